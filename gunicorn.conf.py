"""How gunicorn serves us, wherever it is started: `gunicorn pipedesk.wsgi --bind …`."""

workers = 2
threads = 4
control_socket_disable = True
# Long enough that our own answer to an over-long header is heard (400), and not gunicorn's.
limit_request_field_size = 32_768
# As long as it may be: lists of ids make long query strings.
limit_request_line = 8190

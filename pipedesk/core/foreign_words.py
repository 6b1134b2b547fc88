"""Words of other people's pages that have no Portuguese of their own: our catalogue has it.

Nobody imports this: it is here for `make messages`, which collects texts from the code.
"""

from django.utils.translation import gettext_lazy as _

QUEUE = (
    _("Failed task"),
    _("Failed tasks"),
    _("Successful task"),
    _("Successful tasks"),
    _("Queued task"),
    _("Queued tasks"),
    _("Scheduled task"),
    _("Scheduled tasks"),
    _("Task id"),
    _("Function"),
    _("Arguments"),
    _("Keyword arguments"),
    _("Result"),
    _("Group"),
    _("Cluster"),
    _("Started at"),
    _("Stopped at"),
    _("Success"),
    _("Attempt count"),
    _("Schedule Type"),
    _("Minutes"),
    _("Repeats"),
    _("Next Run"),
    _("Last task id"),
)
LOG_INS = (
    _("access attempt"),
    _("access attempts"),
    _("access log"),
    _("access logs"),
    _("Attempt Time"),
    _("Logout Time"),
    _("Failed Logins"),
    _("IP Address"),
    _("User Agent"),
    _("Path"),
    _("Username"),
)
PAGES = (_("Type to search"),)

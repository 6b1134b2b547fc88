from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """No models: installed for its management command only."""

    name = "pipedesk.sandbox"
    label = "sandbox"
    verbose_name = "Google sandbox"

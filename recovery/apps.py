from django.apps import AppConfig


class RecoveryConfig(AppConfig):
    name = "recovery"

    def ready(self) -> None:
        from incidents import criteria
        from incidents.signals import incident_closed, incident_resolved
        from recovery import actions, receivers, record, rules, search

        assert record
        assert rules
        assert search

        criteria.register("recovery_tasks_done", actions.all_done)
        incident_resolved.connect(receivers.on_resolved, dispatch_uid="recovery.programme")
        incident_closed.connect(receivers.on_closed, dispatch_uid="recovery.closed")

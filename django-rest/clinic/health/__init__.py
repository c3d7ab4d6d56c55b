"""Health of the service: probes, `/health`, metrics for Prometheus, and refusal of writes that would hang."""

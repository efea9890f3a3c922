"""The HTTP API: gates, one module per resource, and the control plane under `/_sim`."""

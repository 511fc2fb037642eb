"""The faces: portal for the administrator, workbench for the reviewer, desk for the privacy office, and the API."""

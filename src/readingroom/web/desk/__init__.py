"""The desk: approvals, flags, models and promises; what needs somebody today."""

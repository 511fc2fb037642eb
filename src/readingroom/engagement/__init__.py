"""The engagement: notices, tenants, opt-in and its end, receipts, the contact register, feedback (P01-P08, P35)."""

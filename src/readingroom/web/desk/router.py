"""The one router of the desk, on which its files declare their routes."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()

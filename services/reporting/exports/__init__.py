"""Figures as files: CSV, XLSX, JSON-stat, charts. Each is written from the same rows, and none knows a hidden figure."""

# SPDX-License-Identifier: PostgreSQL
"""The benchmark: agents measured side by side on one cluster of the lab, and what is made of the figures."""

# SPDX-License-Identifier: Apache-2.0
"""Real processes under a seeded nemesis: docs/reliability.md."""

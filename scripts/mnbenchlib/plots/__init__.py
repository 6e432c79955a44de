# SPDX-License-Identifier: GPL-2.0-or-later
"""The pictures of `mnbench plot`: one file a kind, which says what is drawn; `curves`, `dots` and
`boxes` say how, in the one `style`."""

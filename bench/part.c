/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "part.h"

const struct part_hooks *part_hooks;

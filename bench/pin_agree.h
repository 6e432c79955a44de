/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: as pin_agrees(), with the files of /proc and /sys below another root. */
#ifndef MNBENCH_PIN_AGREE_H
#define MNBENCH_PIN_AGREE_H

#include "pin.h"

bool pin_agrees_below(const struct pin_topology *topo, const char *root, char *text, size_t len);

#endif

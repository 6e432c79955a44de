/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is loaded into this program: what is exported there is plain extern here. */
#ifndef _MN_LINUX_EXPORT_H
#define _MN_LINUX_EXPORT_H

#define EXPORT_SYMBOL(sym)     extern __typeof__(sym) sym
#define EXPORT_SYMBOL_GPL(sym) extern __typeof__(sym) sym

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between pin_tree.c, which reads hwloc's tree into this table, and pin_plan.c, which plans on it.
 */
#ifndef MNBENCH_PIN_TABLE_H
#define MNBENCH_PIN_TABLE_H

#include "pin.h"

/* What PUs can have in common, for a policy. */
enum pin_level { PIN_CORE, PIN_LLC, PIN_NODE, PIN_KIND, PIN_LEVELS };

struct pin_place {
	struct pin_slot slot;
	int group[PIN_LEVELS]; /* numbered from 0 in the table's order (kinds: hwloc's); -1: none */
	unsigned rank;	       /* among the PUs of its core that we may use */
};

/* The PUs that we may use, in hwloc's logical order: nearest neighbours together. */
struct pin_table {
	struct pin_place *place;
	unsigned *scatter; /* indexes into place, in the order of policy `scatter` */
	unsigned nr;
	int *by_pu;   /* the place of an OS index; -1: none */
	unsigned end; /* of by_pu: the highest OS index and one */
};

/* The place of a PU that we may use, by OS index; -1: none. */
static inline int pin_place_of(const struct pin_table *table, int pu)
{
	return pu >= 0 && (unsigned)pu < table->end ? table->by_pu[pu] : -1;
}

const struct pin_table *pin_table(const struct pin_topology *topo);

/* Whether an OS index is a PU of the machine at all, whoever may use it. */
bool pin_pu_exists(const struct pin_topology *topo, int pu);

/*
 * Reorder n indexes into table->place: in turn over groups (group[i] is that of place i), each
 * giving its own in the order they have now; but first all PUs that are the first of their core,
 * then all the second ones, ... 0 or -ENOMEM.
 */
int pin_spread(const struct pin_table *table, const int *group, unsigned *order, unsigned n);

#endif

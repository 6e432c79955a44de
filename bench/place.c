/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "place.h"

#include <errno.h>

#include "../platforms/arch.h"
#include "pin.h"

#define PAGE 4096 /* the smallest anywhere */
/* In the line that is shared: the words, and then what has the lock at its beginning. */
#define SHARED_WORDS (PLACE_ALIGN / sizeof(uint32_t))
#define PAGE_LINES   ((PAGE - PLACE_ROOM) / ARCH_ALIGN_OWN_LINE)

enum { ON_PAGE, ON_LINE, ON_SHARED, ON_REMOTE };

const char *const place_names[] = {"page", "line", "shared", "remote"};

/* Of a PU on another node than the first thread's. */
static int remote_slot(struct op_run *run, struct pin_slot *slot)
{
	for (unsigned int i = 0; i < pin_pu_count(run->topo); i++)
		if (!pin_slot_of(run->topo, pin_pu_at(run->topo, i), slot) && slot->node >= 0 &&
		    slot->node != run->slots[0].node && run->slots[0].node >= 0)
			return 0;
	run->why = run->slots[0].node < 0 ? "no node is remote for a thread that is not pinned"
					  : "there is no other node for the lock";
	return -ENOTSUP;
}

int place_make(struct op_run *run, struct place *p)
{
	struct pin_slot slot = run->slots[0];
	int ret = 0;

	*p = (struct place){.where = op_param(run, "place"),
			    .threads = run->threads + run->op->background};
	if (p->where == ON_REMOTE)
		ret = remote_slot(run, &slot);
	if (ret)
		return ret;
	p->page = pin_alloc(run->topo, PAGE, &slot);
	p->words = pin_alloc(run->topo, p->threads * ARCH_ALIGN_OWN_LINE, &run->slots[0]);
	if (!p->page || !p->words)
		return -ENOMEM;
	p->object = p->page + (p->where == ON_SHARED ? PLACE_ALIGN : 0);
	return 0;
}

void place_free(struct place *p)
{
	pin_free(p->page, PAGE);
	pin_free(p->words, p->threads * ARCH_ALIGN_OWN_LINE);
}

uint32_t *place_word(const struct place *p, const struct op_thread *t)
{
	switch (p->where) {
	case ON_LINE:
		return (uint32_t *)(p->page + PLACE_ROOM +
				    t->index % PAGE_LINES * ARCH_ALIGN_OWN_LINE);
	case ON_SHARED:
		return (uint32_t *)p->page + t->index % SHARED_WORDS;
	default:
		return (uint32_t *)(p->words + t->index * ARCH_ALIGN_OWN_LINE);
	}
}

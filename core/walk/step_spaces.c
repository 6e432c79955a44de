/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of address spaces: they are made, used, and left by their users. */
#include "steps.h"

#include "actors.h"
#include "log.h"
#include "world.h"

#include <linux/kernel.h>

void note_counts(const struct space *space, unsigned long name)
{
	if (space->mm && space->name == name)
		note("M%lu has %ld users, %ld references", name,
		     (long)atomic_read(&space->mm->mm_users),
		     (long)atomic_read(&space->mm->mm_count));
}

static bool space_is_unmade(const struct space *space)
{
	return !space->mm;
}

bool space_is_held(const struct space *space)
{
	return space->mm && space->held;
}

bool space_is_unused(const struct space *space)
{
	return space->mm && space->held && !space->used;
}

void make_space(void)
{
	struct space *space = pick_space(space_is_unmade);
	struct mm_struct *mm;

	if (!space)
		return;
	mm = mm_alloc();
	if (!mm)
		return;
	mmgrab(mm);
	*space = (struct space){.mm = mm, .name = world.spaces_made++, .used = true, .held = true};
	note("M%lu is made", space->name);
}

/* One that is used, by a user of our own; what it is for may outlive the walk's
 * use. */
struct space *use_space(bool (*fits)(const struct space *space))
{
	struct space *space = pick_space(fits);

	if (!space)
		return NULL;
	if (mmget_not_zero(space->mm))
		return space;
	note("M%lu has no users", space->name);
	return NULL;
}

void unuse_space(struct space *space)
{
	unsigned long name = space->name;

	note("mmput(M%lu)", name);
	mmput(space->mm);
	note_counts(space, name);
}

void leave_space(void)
{
	struct space *space = pick_space(space_is_used);

	if (!space)
		return;
	space->used = false;
	unuse_space(space);
}

void drop_space(void)
{
	struct space *space = pick_space(space_is_unused);
	unsigned long name;

	if (!space)
		return;
	name = space->name;
	space->held = false;
	note("mmdrop(M%lu)", name);
	mmdrop(space->mm);
	note_counts(space, name);
}

void visit_space(void)
{
	struct space *space = use_space(space_is_held);

	if (!space)
		return;
	actor_yield();
	unuse_space(space);
}

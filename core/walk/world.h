/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk is made of: address spaces, those who subscribe to them, ranges
 * under way. */
#ifndef MN_WALK_WORLD_H
#define MN_WALK_WORLD_H

#include <compat.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

enum { MMS = 3, INTERVALS = 8, LISTENERS = 6, RANGES = 6, FINISHES = 16 };

enum state {
	FREE,
	BUSY, /* somebody is in a call that makes or ends it */
	LIVE,
};

struct space {
	struct mm_struct *mm; /* NULL until made, and again once the core has freed it */
	unsigned long name;   /* never used twice in a walk */
	bool used;	      /* the walk itself is a user of it */
	bool held;	      /* the walk itself has a reference to the struct */
	bool by_interval;     /* an interval was inserted, or tried: that stays */
	unsigned long readers;
	bool writer; /* of mmap_lock, as readers are */
};

struct interval {
	struct mmu_interval_notifier sub;
	enum state state;
	unsigned long reads; /* begun and not ended; a removal waits for them */
};

struct listener {
	struct mmu_notifier sub;
	enum state state;
	unsigned long refs; /* of mmu_notifier_get(); 0: it was registered */
	bool dying;	    /* put for the last time, not freed yet */
};

struct range {
	struct mmu_notifier_range range;
	enum state state;
	struct space *space;
	bool left; /* refused by a list notifier: what the interval side began never
		      ends */
};

#if COMPAT_TWO_PASS
struct finish {
	struct mmu_interval_notifier_finish pass;
	bool taken;
};
#endif

struct world {
	struct space spaces[MMS];
	struct interval intervals[INTERVALS];
	struct listener listeners[LISTENERS];
	struct range ranges[RANGES];
#if COMPAT_TWO_PASS
	struct finish finishes[FINISHES];
#endif
	unsigned long spaces_made;
	bool nested;			     /* a callback has a range of its own under way */
	bool allocation_fails, lock_refuses; /* the next one, once */
};

extern struct world world;

/* Names for the log; 99 for what is none of ours. */
unsigned long interval_name(const struct interval *interval);
unsigned long listener_name(const struct listener *listener);
unsigned long range_name(const struct range *range);
unsigned long mm_name(const struct mm_struct *mm);
struct space *space_of(const struct mm_struct *mm);

/* One of those that fit, by the seed; NULL when none does. */
struct space *pick_space(bool (*fits)(const struct space *space));
struct interval *pick_interval(bool (*fits)(const struct interval *interval));
struct listener *pick_listener(bool (*fits)(const struct listener *listener));
struct range *pick_range(bool (*fits)(const struct range *range));

/* What every picker asks for. */
bool space_is_used(const struct space *space);
bool interval_is_free(const struct interval *interval);
bool listener_is_free(const struct listener *listener);
bool range_is_free(const struct range *range);
bool range_is_open(const struct range *range);

/** interval_make, listener_make - FREE becomes BUSY */
void interval_make(struct interval *interval);
void listener_make(struct listener *listener);

/** interval_free, listener_free - nobody may touch its memory from now on; the
 * next owner finds junk */
void interval_free(struct interval *interval);
void listener_free(struct listener *listener);

/** space_freed - the core has freed the mm */
void space_freed(struct space *space);

/** world_begin - everything is free; what a failed walk left is forgotten */
void world_begin(void);

/* ---- subscribers.c: what one may subscribe with ---- */

struct listener_kind {
	const char *name;
	const struct mmu_notifier_ops *ops;
};

const struct listener_kind *draw_listener_kind(void);
const struct listener_kind *draw_got_kind(void); /* for mmu_notifier_get() */
const struct mmu_interval_notifier_ops *draw_interval_ops(void);

/* ---- steps.c: what callbacks may do too ---- */

void insert_into(struct space *space, bool locked);
void pass_range(struct space *space, bool blockable);
void put_listener(struct listener *listener);
void finish_range(struct range *range);
/* Whether a list notifier has refused the range that the caller is starting. */
extern const struct mmu_notifier_range *refused_by_list;

#endif

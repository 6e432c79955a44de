/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk may do next. */
#ifndef MN_WALK_STEPS_H
#define MN_WALK_STEPS_H

#include "world.h"

/* How many kinds of step there are, and how often each is usual. */
unsigned long step_count(void);
unsigned long step_usual_weight(unsigned long which);

/** step_run - one step, by the actor that calls */
void step_run(unsigned long which);

/** ending_run - the end of every walk: each is run when the one before is done */
enum { ENDINGS = 6 };
void ending_run(unsigned long which);

/* An open range can be ended, so that those who sleep for it go on; ends one.
 */
bool range_can_end(void);
void range_end_any(unsigned long which);

/* ---- step_spaces.c ---- */

void make_space(void);
void leave_space(void);
void drop_space(void);
void visit_space(void);
bool space_is_held(const struct space *space);
bool space_is_unused(const struct space *space);
/* One that fits, with a user of the caller's own; NULL when there is none. */
struct space *use_space(bool (*fits)(const struct space *space));
void unuse_space(struct space *space);
/* Of the space that had this name: it may have been freed. */
void note_counts(const struct space *space, unsigned long name);

/* ---- step_ranges.c ---- */

unsigned long draw_address(void);
unsigned long draw_length(void);
void open_blockable(void);
void open_nonblock(void);
void end_range(void);
void pass(void);

/* ---- step_intervals.c ---- */

/* What may fail in the next step does so now and then. */
void draw_failures(void);
void insert(void);
void insert_locked(void);
void insert_dead(void);
void remove_any(void);
void read_interval(void);
bool interval_is_live(const struct interval *interval);
void remove_interval(struct interval *interval);

/* ---- step_listeners.c ---- */

void register_any(void);
void unregister_any(void);
void get_listener(void);
void put_any(void);
void synchronize(void);
bool listener_is_registered(const struct listener *listener);
void unregister_listener(struct listener *listener);

#endif

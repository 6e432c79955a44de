/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collision-retry protocol: two intervals of one mm. INVALIDATORS threads
 * invalidate ROUNDS ranges each, over one interval or both; the first one's may
 * be refused. The first interval's driver finds it inserted, reads, and removes
 * it; the second one's inserts its own first. A driver reads until a translation
 * is accepted, TRIES times at most. DRIVERS=1 FIRST=n: only driver n is there.
 *
 * The wait queue is what wait.pml proves of it: who looks at the condition
 * after it has announced itself sees it true, or is woken.
 *
 * odd_while_idle: the count is odd, and nothing is being invalidated.
 * changed_while_frozen: the tree changes while the count is odd or somebody walks it.
 * stale_accepted: a reader accepts a translation that an invalidation has passed.
 * mapped_while_changed: a device maps what is being changed.
 * called_after_remove: invalidate() runs, and remove has returned.
 * left_behind: remove has returned, and the interval is in the tree or on the deferred list.
 * reads_free: a subscription made during an invalidation does not read as colliding.
 * invalid end state: all is over and somebody still sleeps.
 *
 * PASS_x does not look at a property, so that the search goes on to the one behind it.
 *
 * OF core/mmu_notifier.c: inv_start inv_end drain_deferred itree_invalidate wait_out
 * OF core/mmu_notifier.c: read_begin_locked mmu_interval_read_begin interval_insert
 * OF core/mmu_notifier.c: interval_unlink settled_seq mmu_interval_notifier_remove
 *
 * PROOF first: -DINVALIDATORS=2 -DDRIVERS=1
 * BREAKS first NO_SET_SEQ: mapped_while_changed: mmu_interval_set_seq() in invalidate()
 * BREAKS first NO_USER_LOCK: mapped_while_changed: the user lock around the retry
 * BREAKS first NO_COLLIDING_WAIT: mapped_while_changed: read_begin's sleep
 * BREAKS first NO_SET_SEQ PASS_MAPPED: stale_accepted: the same, by what the reader sees
 * BREAKS first NO_COLLIDING_WAIT PASS_MAPPED: stale_accepted: the same
 * BREAKS first NO_FREEZE: changed_while_frozen: seq |= 1 in inv_start()
 * BREAKS first NO_DEFERRED_REMOVE: changed_while_frozen: remove's place on the deferred list
 * BREAKS first NO_REMOVE_WAIT: left_behind: remove's sleep
 * BREAKS first NO_REMOVE_WAIT PASS_LEFT: called_after_remove: the same, by what it leads to
 * BREAKS first NO_SETTLED_LOCK: left_behind: the lock in settled_seq()
 * BREAKS first NO_DRAIN: left_behind: drain_deferred()
 * BREAKS first NO_ACTIVE: changed_while_frozen: the test of active in inv_end()
 * BREAKS first NO_THAW: changed_while_frozen: seq + 1 in inv_end(), and then the drain
 * BREAKS first NO_THAW NO_DRAIN: odd_while_idle: seq + 1 in inv_end(), and no drain
 * BREAKS first NO_WAKE: invalid end state: wake_up_all() in inv_end()
 * BREAKS first NO_END_REFUSED: invalid end state: inv_end() of a refused range
 *
 * PROOF second: -DINVALIDATORS=2 -DDRIVERS=1 -DFIRST=1
 * BREAKS second NO_DEFERRED_INSERT: changed_while_frozen: insert's place on the deferred list
 * BREAKS second NO_COLLIDING_INSERT: reads_free: insert's own count
 * BREAKS second NO_FREEZING_INSERT: reads_free: seq |= 1 in interval_insert()
 *
 * PROOF both: -DINVALIDATORS=1
 * FULL both_and_two: -DINVALIDATORS=2
 * FULL two_rounds: -DINVALIDATORS=2 -DDRIVERS=1 -DROUNDS=2 -DTRIES=2
 */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef TRIES
#define TRIES 1
#endif

#define INTERVALS 2
#ifndef DRIVERS
#define DRIVERS INTERVALS
#endif
#ifndef FIRST
#define FIRST 0
#endif
#define THREADS	  INVALIDATORS + DRIVERS

#define SEQ	     0
#define OWN_SEQ(s)   (1 + (s))
#define PLACES	     1 + INTERVALS
#include "weak.pml"

#define WRITES 12
byte seq[WRITES] = 2, own[INTERVALS * WRITES] = 1;
#define SEQ_NOW	       seq[last[SEQ]]
#define ODD	       (SEQ_NOW & 1)
#define OWN_NOW(s)     own[(s) * WRITES + last[OWN_SEQ(s)]]
#define ALL	       3
#define BIT(s)	       (1 << (s))

/* ---- locks: what the holder knew is handed on ---- */

#define LOCK	     0
#define USER_LOCK(s) (1 + (s))
#define N_LOCKS	     1 + INTERVALS
bool held[N_LOCKS];
view_t lock_view[N_LOCKS];

inline lock(l)
{
	atomic {
		!held[l];
		held[l] = true;
		d_step { learn(view[_pid], lock_view[l]) }
	}
}

inline unlock(l)
{
	d_step {
		odd_while_idle = ODD && !active_ranges;
		assert((l) != LOCK || !odd_while_idle);
		learn(lock_view[l], view[_pid]);
		held[l] = false
	}
}

/* ---- the state of the subscriptions ---- */

byte active_ranges, tree = BIT(0), deferred;
byte walkers, changing[INTERVALS], in_callback[INTERVALS];
bool mapped[INTERVALS], removed[INTERVALS];
byte pages[INTERVALS]; /* the translations, under a lock that orders nothing else */
bool odd_while_idle, changed_while_frozen, stale_accepted, mapped_while_changed;
bool called_after_remove, left_behind, reads_free;

inline set_seq(value)
{
	seq[last[SEQ] + 1] = value;
	store(_pid, SEQ);
	assert(last[SEQ] < WRITES - 1)
}

inline set_own_seq(s, value)
{
	own[(s) * WRITES + last[OWN_SEQ(s)] + 1] = value;
	store(_pid, OWN_SEQ(s))
}

inline change_tree(bits)
{
	changed_while_frozen = (bits) && (ODD || walkers);
	assert(!changed_while_frozen);
	tree = tree ^ (bits)
}

/* ---- the wait queue ---- */

byte generation;
bool asleep[THREADS];

inline prepare()
{
	atomic {
		barrier(_pid);
		announced = generation
	}
}

inline sleep()
{
	atomic {
		asleep[_pid] = announced == generation;
		announced = 0
	};
	!asleep[_pid]
}

inline wake_up_all()
{
	d_step {
		barrier(_pid);
		generation++;
		i = 0;
		do
		:: i < THREADS -> asleep[i] = false; i++
		:: else -> i = 0; break
		od
	}
}

/* ---- invalidations ---- */

inline inv_start()
{
	atomic {
		lock(LOCK);
		d_step {
			active_ranges++;
			hit = tree & range;
#ifndef NO_FREEZE
			if
			:: hit && !ODD -> set_seq(SEQ_NOW + 1)
			:: else
			fi;
#endif
			cur_seq = SEQ_NOW;
			walkers = walkers + (hit != 0)
		};
		unlock(LOCK)
	}
}

inline inv_end()
{
	atomic {
		lock(LOCK);
		active_ranges--;
#ifdef NO_ACTIVE
		thawed = ODD;
#else
		thawed = ODD && !active_ranges;
#endif
#ifndef NO_THAW
		if
		:: thawed -> set_seq(SEQ_NOW + 1)
		:: else
		fi
#endif
	};
	/* Who reads the count without the lock may do so between the two. */
	atomic {
#ifndef NO_DRAIN
		if
		:: thawed -> change_tree(deferred); deferred = 0
		:: else
		fi;
#endif
		unlock(LOCK)
	};
#ifndef NO_WAKE
	if
	:: thawed -> wake_up_all()
	:: else
	fi;
#endif
	thawed = false
}

/* A driver's callback. REFUSED: it may not sleep, and the user lock is taken. */
inline invalidate(s)
{
	d_step {
		called_after_remove = removed[s];
		assert(!called_after_remove);
		in_callback[s]++
	};
	if
	:: nonblock -> refused = true
	:: skip ->
		atomic {
			lock(USER_LOCK(s));
			d_step {
#ifndef NO_SET_SEQ
				set_own_seq(s, cur_seq);
#endif
				mapped[s] = false
			};
			unlock(USER_LOCK(s))
		}
	fi;
	in_callback[s]--
}

inline itree_invalidate()
{
	inv_start();
	i = 0;
	do
	:: i < INTERVALS && !refused ->
		if
		:: hit & tree & BIT(i) -> invalidate(i)
		:: else
		fi;
		i++
	:: else -> i = 0; break
	od;
	atomic {
		walkers = walkers - (hit != 0);
		hit = 0
	}
}

inline change_pages()
{
	d_step {
		do
		:: i < INTERVALS ->
			if
			:: range & BIT(i) ->
				pages[i]++;
				changing[i]++;
#ifndef PASS_MAPPED
				mapped_while_changed = mapped[i];
#endif
				assert(!mapped_while_changed)
			:: else
			fi;
			i++
		:: else -> i = 0; break
		od
	}
}

/* Up to the range's end no device may map it. */
inline pages_changed()
{
	d_step {
		do
		:: i < INTERVALS ->
			if
			:: range & BIT(i) -> changing[i]--
			:: else
			fi;
			i++
		:: else -> i = 0; break
		od
	}
}

active [INVALIDATORS] proctype invalidator()
{
	byte round, range, hit, cur_seq, i;
	bool nonblock, refused, thawed;

	do
	:: round < ROUNDS ->
		atomic {
			if
			:: range = BIT(0)
			:: range = BIT(1)
			:: range = ALL
			fi;
			if
			:: _pid == 0 -> nonblock = true
			:: nonblock = false
			fi
		};
		itree_invalidate();
		if
		:: !refused ->
			change_pages();
			pages_changed();
			inv_end()
		:: else ->
#ifndef NO_END_REFUSED
			inv_end()
#endif
		fi;
		d_step { round++; range = 0; cur_seq = 0; nonblock = false; refused = false }
	:: else -> break
	od
}

/* ---- drivers ---- */

inline interval_insert(s)
{
	atomic {
		lock(LOCK);
		d_step {
			if
			:: !active_ranges -> set_own_seq(s, SEQ_NOW - 1); change_tree(BIT(s))
			:: else ->
				if
#ifdef NO_DEFERRED_INSERT
				:: ODD -> change_tree(BIT(s))
#else
				:: ODD -> deferred = deferred | BIT(s)
#endif
				:: else ->
					change_tree(BIT(s));
#ifndef NO_FREEZING_INSERT
					set_seq(SEQ_NOW + 1)
#endif
				fi;
#ifdef NO_COLLIDING_INSERT
				set_own_seq(s, SEQ_NOW - 2)
#else
				set_own_seq(s, SEQ_NOW)
#endif
			fi;
			reads_free = active_ranges && (!ODD || OWN_NOW(s) != SEQ_NOW);
			assert(!reads_free)
		};
		unlock(LOCK)
	}
}

inline load_seq(got)
{
	atomic {
		load(_pid, SEQ, got);
		got = seq[got]
	}
}

/* wait_event(wq, READ_ONCE(invalidate_seq) != began) */
inline wait_out()
{
	do
	::
		load_seq(now);
		if
		:: now != began -> break
		:: else
		fi;
		prepare();
		load_seq(now);
		if
		:: now != began -> break
		:: else
		fi;
		sleep()
	od;
	atomic { now = 0; announced = 0 }
}

inline read_begin(s)
{
	atomic {
		lock(LOCK);
		atomic {
			load(_pid, OWN_SEQ(s), began);
			began = own[(s) * WRITES + began];
			now = SEQ_NOW
		};
		unlock(LOCK)
	};
#ifndef NO_COLLIDING_WAIT
	if
	:: now == began -> wait_out()
	:: else -> now = 0
	fi
#endif
}

inline retry(s)
{
	atomic {
		load(_pid, OWN_SEQ(s), now);
		accepted = own[(s) * WRITES + now] == began;
		now = 0
	}
}

inline map(s)
{
	d_step {
		stale_accepted = accepted && (translation != pages[s] || changing[s]);
		assert(!stale_accepted);
		mapped[s] = accepted
	}
}

/* Walks the page tables; then accepts or not, under the user lock. */
inline read_pages(s)
{
	translation = pages[s];
#ifdef NO_USER_LOCK
	retry(s);
	map(s);
#else
	atomic {
		lock(USER_LOCK(s));
		retry(s);
		map(s);
		unlock(USER_LOCK(s))
	};
#endif
	atomic { began = 0; translation = 0 }
}

inline settled_seq(got)
{
#ifdef NO_SETTLED_LOCK
	load_seq(got);
#else
	atomic {
		lock(LOCK);
		got = SEQ_NOW;
		unlock(LOCK)
	}
#endif
}

inline remove_wait()
{
	do
	::
		settled_seq(now);
		if
		:: now != began -> break
		:: else
		fi;
		prepare();
		settled_seq(now);
		if
		:: now != began -> break
		:: else
		fi;
		sleep()
	od;
	atomic { now = 0; announced = 0 }
}

inline interval_remove(s)
{
	atomic {
		lock(LOCK);
		d_step {
			if
#ifdef NO_DEFERRED_REMOVE
			:: true -> change_tree(BIT(s))
#endif
			:: !ODD -> change_tree(BIT(s))
			:: ODD && !(tree & BIT(s)) -> deferred = deferred & ~BIT(s)
			:: ODD && (tree & BIT(s)) -> deferred = deferred | BIT(s); began = SEQ_NOW
			fi
		};
		unlock(LOCK)
	};
#ifndef NO_REMOVE_WAIT
	if
	:: began -> remove_wait()
	:: else
	fi;
#endif
	d_step {
#ifndef PASS_LEFT
		left_behind = (tree & BIT(s)) || (deferred & BIT(s)) || in_callback[s];
#endif
		assert(!left_behind);
		removed[s] = true
	}
}

active [DRIVERS] proctype driver()
{
	byte s, tries, began, now, translation, announced;
	bool accepted;

	s = _pid - INVALIDATORS + FIRST;
	if
	:: s == 1 -> interval_insert(s)
	:: else
	fi;
	do
	:: tries < TRIES && !accepted ->
		read_begin(s);
		read_pages(s);
		tries++
	:: else -> break
	od;
	/* A driver lets go of the pages before it unsubscribes. */
	atomic { accepted = false; mapped[s] = false };
	interval_remove(s)
}

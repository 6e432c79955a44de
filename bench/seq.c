/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines of the seq family: what one would use to read a few words that a
 * writer changes now and then. Each reads the same two words; the notifier's
 * own reader does its work under a lock and reads none, so the bare pair of
 * its lock kind is its limit.
 */
#include <ck_sequence.h>
#include <errno.h>
#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <pthread.h>

#include "op.h"
#include "pin.h"
#include "place.h"

struct seqcount {
	unsigned int sequence;
};

static inline unsigned int seqcount_begin(const struct seqcount *s)
{
	unsigned int seq;

	while ((seq = smp_load_acquire(&s->sequence)) & 1)
		cpu_relax();
	return seq;
}

static inline bool seqcount_retry(const struct seqcount *s, unsigned int seq)
{
	/* The reads between come before the second look; pairs with seqcount_write_begin(). */
	smp_rmb();
	return READ_ONCE(s->sequence) != seq;
}

static inline void seqcount_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_wmb();
}

static inline void seqcount_write_end(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->sequence, s->sequence + 1);
}

struct seq_shared {
	_Alignas(ARCH_ALIGN_OWN_LINE) union {
		struct tas_spinlock tas;
		struct ttas_spinlock ttas;
		struct ticket_spinlock ticket;
		struct mcs_spinlock mcs;
		struct queued_spinlock queued;
		struct pthread_spin_spinlock pthread_spin;
		struct pthread_mutex_spinlock pthread_mutex;
		pthread_rwlock_t rwlock;
		struct {
			struct seqcount count;
			struct queued_spinlock writers; /* of the seqlock */
		} seqlock;
		struct ck_sequence ck;
	};
	unsigned long data[2];
};

static int shared_setup(struct op_run *run)
{
	run->shared = pin_alloc(run->topo, sizeof(struct seq_shared), &run->slots[0]);
	return run->shared ? 0 : -ENOMEM;
}

static void shared_teardown(struct op_run *run)
{
	pin_free(run->shared, sizeof(struct seq_shared));
}

/* Zeroed memory is every kind's unlocked state but for these two. */
static int pthread_setup(struct op_run *run)
{
	int ret = shared_setup(run);

	if (!ret && pthread_spin_init(&((struct seq_shared *)run->shared)->pthread_spin.lock,
				      PTHREAD_PROCESS_PRIVATE))
		ret = -ENOMEM;
	return ret;
}

static inline void read_data(struct seq_shared *s)
{
	unsigned long a = READ_ONCE(s->data[0]), b = READ_ONCE(s->data[1]);

	__asm__ __volatile__("" ::"r"(a), "r"(b));
}

static inline void write_data(struct seq_shared *s)
{
	WRITE_ONCE(s->data[0], s->data[0] + 1);
	WRITE_ONCE(s->data[1], s->data[1] + 1);
}

/* A reader's loop and a writer's, from the statements around the access. */
#define READER(name, before, after)                                                                \
	static void name##_read(struct op_thread *t, uint64_t n)                                   \
	{                                                                                          \
		struct seq_shared *s = t->run->shared;                                             \
                                                                                                   \
		while (n--) {                                                                      \
			before;                                                                    \
			read_data(s);                                                              \
			after;                                                                     \
		}                                                                                  \
	}
#define WRITER(name, before, after)                                                                \
	static void name##_write(struct op_thread *t)                                              \
	{                                                                                          \
		struct seq_shared *s = t->run->shared;                                             \
                                                                                                   \
		before;                                                                            \
		write_data(s);                                                                     \
		after;                                                                             \
	}
/* A bare pair: nothing between, for that is what the port's reader has. */
#define LOCK(kind)                                                                                 \
	static void kind##_pair(struct op_thread *t, uint64_t n)                                   \
	{                                                                                          \
		struct seq_shared *s = t->run->shared;                                             \
                                                                                                   \
		while (n--) {                                                                      \
			kind##_spin_lock(&s->kind);                                                \
			kind##_spin_unlock(&s->kind);                                              \
		}                                                                                  \
	}                                                                                          \
	READER(kind, kind##_spin_lock(&s->kind), kind##_spin_unlock(&s->kind))                     \
	WRITER(kind, kind##_spin_lock(&s->kind), kind##_spin_unlock(&s->kind))

/* The pair of a lock that has a place, with what is written beside it. */
#define PLACED(kind)                                                                               \
	static int kind##_place(struct op_run *run)                                                \
	{                                                                                          \
		int ret = placed_setup(run);                                                       \
                                                                                                   \
		if (!ret)                                                                          \
			*(struct kind##_spinlock *)((struct place *)run->shared)->object =         \
				(struct kind##_spinlock)kind##_SPINLOCK_INIT;                      \
		return ret;                                                                        \
	}                                                                                          \
	static void kind##_placed(struct op_thread *t, uint64_t n)                                 \
	{                                                                                          \
		struct kind##_spinlock *lock = ((struct place *)t->run->shared)->object;           \
		uint32_t *word = t->own;                                                           \
                                                                                                   \
		while (n--) {                                                                      \
			kind##_spin_lock(lock);                                                    \
			kind##_spin_unlock(lock);                                                  \
			WRITE_ONCE(*word, (uint32_t)n);                                            \
		}                                                                                  \
	}

static int placed_setup(struct op_run *run)
{
	struct place *p = pin_alloc(run->topo, sizeof(*p), &run->slots[0]);
	int ret = p ? place_make(run, p) : -ENOMEM;

	run->shared = p;
	if (ret && p) {
		place_free(p);
		pin_free(p, sizeof(*p));
	}
	return ret;
}

static void placed_teardown(struct op_run *run)
{
	place_free(run->shared);
	pin_free(run->shared, sizeof(struct place));
}

static int placed_thread(struct op_thread *t)
{
	t->own = place_word(t->run->shared, t);
	return 0;
}

#define LOCK_KINDS(X) X(tas) X(ttas) X(ticket) X(mcs) X(queued) X(pthread_spin) X(pthread_mutex)
LOCK_KINDS(LOCK)
LOCK_KINDS(PLACED)

READER(rwlock, pthread_rwlock_rdlock(&s->rwlock), pthread_rwlock_unlock(&s->rwlock))
WRITER(rwlock, pthread_rwlock_wrlock(&s->rwlock), pthread_rwlock_unlock(&s->rwlock))
READER(load, , )

static void empty_read(struct op_thread *t, uint64_t n)
{
	(void)t;
	while (n--)
		__asm__ __volatile__("" : "+r"(n));
}

#define RETRY_READER(name, begin, retry)                                                           \
	static void name##_read(struct op_thread *t, uint64_t n)                                   \
	{                                                                                          \
		struct seq_shared *s = t->run->shared;                                             \
		unsigned int seq;                                                                  \
                                                                                                   \
		while (n--) {                                                                      \
			do {                                                                       \
				seq = begin;                                                       \
				read_data(s);                                                      \
			} while (retry);                                                           \
		}                                                                                  \
	}
RETRY_READER(seqcount, seqcount_begin(&s->seqlock.count), seqcount_retry(&s->seqlock.count, seq))
WRITER(seqcount, seqcount_write_begin(&s->seqlock.count), seqcount_write_end(&s->seqlock.count))
#define seqlock_read seqcount_read
static void seqlock_write(struct op_thread *t)
{
	struct seq_shared *s = t->run->shared;

	queued_spin_lock(&s->seqlock.writers);
	seqcount_write(t);
	queued_spin_unlock(&s->seqlock.writers);
}
RETRY_READER(ck_sequence, ck_sequence_read_begin(&s->ck), ck_sequence_read_retry(&s->ck, seq))
WRITER(ck_sequence, ck_sequence_write_begin(&s->ck), ck_sequence_write_end(&s->ck))

/* The port's rows carry user_lock:0, so these do. */
#define BASE(name, what, fn, init)                                                                 \
	{                                                                                          \
		.family = "seq", .op = name, .subject = "baseline", .variant = what,               \
		.flags = OP_SCALES, .setup = init, .teardown = shared_teardown, .run = fn,         \
		.params = {                                                                        \
			{"user_lock", 1, {0}, PARAM_ALL_QUICK}                                     \
		}                                                                                  \
	}
#define PLACE(what, kind)                                                                          \
	{                                                                                          \
		.family = "seq", .op = "read_begin_retry_placed", .subject = "baseline",           \
		.variant = what, .flags = OP_SCALES | OP_FULL_ONLY, .params = {PLACE_PARAM},       \
		.named = PLACE_NAMES, .setup = kind##_place, .teardown = placed_teardown,          \
		.thread_setup = placed_thread, .run = kind##_placed                                \
	}
#define MIX(what, reader, writer, init)                                                            \
	{                                                                                          \
		.family = "seq", .op = "mix", .subject = "baseline", .variant = what,              \
		.flags = OP_SCALES, .background = 1, .setup = init, .teardown = shared_teardown,   \
		.run = reader, .background_run = writer                                            \
	}
#define LOCK_ROWS(kind)                                                                            \
	BASE("read_begin_retry", #kind, kind##_pair, kind##_init), PLACE(#kind, kind),             \
		MIX(#kind, kind##_read, kind##_write, kind##_init),
#define tas_init	   shared_setup
#define ttas_init	   shared_setup
#define ticket_init	   shared_setup
#define mcs_init	   shared_setup
#define queued_init	   shared_setup
#define pthread_spin_init  pthread_setup
#define pthread_mutex_init shared_setup

static const struct bench_op ops[] = {
	BASE("read_begin_retry", "empty", empty_read, shared_setup),
	BASE("read_begin_retry", "load", load_read, shared_setup),
	LOCK_KINDS(LOCK_ROWS) BASE("read_begin_retry", "rwlock", rwlock_read, shared_setup),
	BASE("read_begin_retry", "seqcount", seqcount_read, shared_setup),
	BASE("read_begin_retry", "seqlock", seqlock_read, shared_setup),
	BASE("read_begin_retry", "ck_sequence", ck_sequence_read, shared_setup),
	MIX("rwlock", rwlock_read, rwlock_write, shared_setup),
	MIX("seqcount", seqcount_read, seqcount_write, shared_setup),
	MIX("seqlock", seqlock_read, seqlock_write, shared_setup),
	MIX("ck_sequence", ck_sequence_read, ck_sequence_write, shared_setup),
};

const struct op_table seq_ops = OP_TABLE(ops);

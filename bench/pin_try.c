/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan put to the test: threads bound to its slots, and where the kernel says they are. */
#define _GNU_SOURCE 1
#include "pin.h"
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOKS 100 /* at where it is, from every thread */
#define PAGES 16
#define STACK (256 * 1024)

enum go { NOT_YET, GO, GIVE_UP };

/* They run together, so that a thread in the wrong place would be pushed about. */
struct start {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum go go;
};

struct tried {
	const struct pin_topology *topo;
	const struct pin_slot *slot;
	struct pin_trial *trial;
	struct start *start;
	pthread_t id;
	int err;
};

static bool may_go(struct start *start)
{
	enum go go;

	pthread_mutex_lock(&start->lock);
	while (start->go == NOT_YET)
		pthread_cond_wait(&start->changed, &start->lock);
	go = start->go;
	pthread_mutex_unlock(&start->lock);
	return go == GO;
}

static void tell(struct start *start, enum go go)
{
	pthread_mutex_lock(&start->lock);
	start->go = go;
	pthread_cond_broadcast(&start->changed);
	pthread_mutex_unlock(&start->lock);
}

static int one_of(int before, int now, bool first)
{
	return first || before == now ? now : PIN_SEVERAL;
}

/* By the system call itself, not by what a library keeps of it. */
static int look_around(struct pin_trial *trial)
{
	for (int i = 0; i < LOOKS; i++) {
		unsigned pu, node;

		if (syscall(SYS_getcpu, &pu, &node, NULL))
			return -errno;
		trial->pu = one_of(trial->pu, (int)pu, !i);
		trial->node = one_of(trial->node, (int)node, !i);
		sched_yield();
	}
	return 0;
}

static int look_at_memory(const struct tried *tried)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = PAGES * page;
	char *mem = pin_alloc(tried->topo, size, tried->slot);

	if (!mem)
		return -errno;
	for (size_t at = 0; at < size; at += page)
		tried->trial->memory =
			one_of(tried->trial->memory, pin_node_of(tried->topo, mem + at), !at);
	pin_free(mem, size);
	return 0;
}

static void *run(void *arg)
{
	struct tried *tried = arg;

	tried->err = pin_bind_self(tried->topo, tried->slot);
	if (!may_go(tried->start) || tried->err)
		return NULL;
	tried->err = look_around(tried->trial);
	if (!tried->err)
		tried->err = look_at_memory(tried);
	return NULL;
}

static int start_threads(struct tried *tried, unsigned threads, unsigned *started)
{
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	err = pthread_attr_setstacksize(&attributes, STACK);
	for (; !err && *started < threads; *started += !err)
		err = pthread_create(&tried[*started].id, &attributes, run, &tried[*started]);
	pthread_attr_destroy(&attributes);
	return -err;
}

int pin_try(const struct pin_topology *topo, const struct pin_slot *slots, unsigned threads,
	    struct pin_trial *trials, char *why, size_t len)
{
	struct start start = {.lock = PTHREAD_MUTEX_INITIALIZER,
			      .changed = PTHREAD_COND_INITIALIZER};
	struct tried *tried = calloc(threads, sizeof(*tried));
	unsigned started = 0;
	int err;

	if (!tried)
		return text_fail(-ENOMEM, why, len, "%u threads: out of memory", threads);
	for (unsigned i = 0; i < threads; i++)
		tried[i] = (struct tried){
			.topo = topo, .slot = &slots[i], .trial = &trials[i], .start = &start};
	err = start_threads(tried, threads, &started);
	if (err)
		text_fail(err, why, len, "%u threads: only %u could be started: %s", threads,
			  started, strerror(-err));
	tell(&start, err ? GIVE_UP : GO);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(tried[i].id, NULL);
		if (!err && tried[i].err)
			err = text_fail(tried[i].err, why, len, "thread %u, PU %d: %s", i,
					slots[i].pu, strerror(-tried[i].err));
	}
	free(tried);
	return err;
}

bool pin_trial_holds(const struct pin_slot *slot, const struct pin_trial *trial)
{
	if (slot->pu >= 0 && trial->pu != slot->pu)
		return false;
	if (slot->node < 0 || (trial->memory < 0 && trial->memory != PIN_SEVERAL))
		return true; /* asked for nothing, or not told */
	return trial->memory == slot->node;
}

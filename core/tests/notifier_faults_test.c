/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that the core can be refused is, each in turn, in every kind of
 * call that asks for something: the answer is SPEC's, nothing has changed,
 * the same call works afterwards, and nothing leaks. What follows in each
 * scenario uses what the failed step left, so a state half changed is seen.
 */
#include <signal.h>

#include "faults.h"

static struct mm_struct *mm;
static struct listener a, b;
static struct interval i;
static struct srcu_struct domain;
static void *place;

/* ---- steps: 0 or -errno ---- */

static int make_mm(void)
{
	mm = mm_alloc();
	return mm ? 0 : -ENOMEM;
}

static int listen_a(void)
{
	listener_init(&a, "a", &start_only_ops);
	return mmu_notifier_register(&a.sub, mm);
}

static int listen_b_locked(void)
{
	int ret;

	listener_init(&b, "b", &start_only_ops);
	mmap_write_lock(mm);
	ret = __mmu_notifier_register(&b.sub, mm);
	mmap_write_unlock(mm);
	return ret;
}

static int intervals_on(void)
{
	return mmu_notifier_register(NULL, mm);
}

static int insert_i(void)
{
	interval_init(&i, "i");
	return mmu_interval_notifier_insert(&i.sub, mm, 0x1000, 0x1000, &interval_ops);
}

static int insert_i_locked(void)
{
	int ret;

	interval_init(&i, "i");
	mmap_write_lock(mm);
	ret = mmu_interval_notifier_insert_locked(&i.sub, mm, 0x1000, 0x1000, &interval_ops);
	mmap_write_unlock(mm);
	return ret;
}

/* A notifier of get's is the driver's memory: one more point. */
static struct listener *gotten;

static struct mmu_notifier *alloc_notifier(struct mm_struct *of)
{
	struct listener *made = kzalloc(sizeof(*made), GFP_KERNEL);

	CHECK(of == mm);
	if (!made)
		return ERR_PTR(-ENOMEM);
	made->name = "g";
	return &made->sub;
}

static void free_notifier(struct mmu_notifier *sub)
{
	kfree(container_of(sub, struct listener, sub));
}

static const struct mmu_notifier_ops get_ops = {
	.invalidate_range_start = listener_range_start,
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

static int get_g(void)
{
	struct mmu_notifier *sub = mmu_notifier_get(&get_ops, mm);

	if (IS_ERR(sub))
		return (int)PTR_ERR(sub);
	gotten = container_of(sub, struct listener, sub);
	return 0;
}

static void put_g(void)
{
	mmu_notifier_put(&gotten->sub);
	mmu_notifier_synchronize();
}

/* Whoever is subscribed is told, and nobody else. */
static void heard_by(const char *who)
{
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED(who);
}

/* ---- scenarios ---- */

static void an_mm(void)
{
	try_step(make_mm, &mm);
	mmput(mm);
	mm = NULL;
}

static void lists(void)
{
	try_step(make_mm, &mm);
	try_step(listen_a, &mm);
	heard_by("a:start");
	try_step(listen_b_locked, &mm);
	heard_by("b:start a:start");
	unlisten(&b);
	unlisten(&a);
	mmput(mm);
	mm = NULL;
}

static void first_interval(void)
{
	try_step(make_mm, &mm);
	try_step(insert_i, &mm);
	heard_by("i");
	interval_remove(&i);
	mmput(mm);
	mm = NULL;
}

static void first_interval_locked(void)
{
	try_step(make_mm, &mm);
	try_step(insert_i_locked, &mm);
	heard_by("i");
	interval_remove(&i);
	mmput(mm);
	mm = NULL;
}

/* A list first: only the mode has to change, under the locks; after that nothing can fail. */
static void interval_after_list(void)
{
	try_step(make_mm, &mm);
	try_step(listen_a, &mm);
	try_step(insert_i, &mm);
	heard_by("i a:start");
	interval_remove(&i);
	try_step(insert_i_locked, &mm);
	interval_remove(&i);
	unlisten(&a);
	mmput(mm);
	mm = NULL;
}

static void list_after_interval(void)
{
	try_step(make_mm, &mm);
	try_step(intervals_on, &mm);
	try_step(insert_i, &mm);
	try_step(listen_a, &mm);
	heard_by("i a:start");
	mmput(mm); /* the mm dies first */
	CHECK_NOTED("i");
	unlisten(&a);
	interval_remove(&i);
	mm = NULL;
}

static void gets_and_puts(void)
{
	try_step(make_mm, &mm);
	try_step(get_g, &mm);
	try_step(get_g, &mm); /* one that exists asks for nothing */
	CHECK_EQ(gotten->sub.users, 2);
	heard_by("g:start");
	put_g();
	heard_by("g:start");
	put_g();
	heard_by("");
	try_step(get_g, &mm);
	put_g();
	mmput(mm);
	mm = NULL;
}

/* ---- what stands below ---- */

static int make_domain(void)
{
	return init_srcu_struct(&domain);
}

static int make_fast_domain(void)
{
	return init_srcu_struct_fast(&domain);
}

/* The first place that is free, without taking it. */
static void *next_place(void)
{
	void *next = alloc_percpu(struct srcu_ctr);

	free_percpu_size(next, sizeof(struct srcu_ctr));
	return next;
}

static void domains(void)
{
	void *next = next_place();

	try_step(make_domain, &mm);
	synchronize_srcu(&domain);
	cleanup_srcu_struct(&domain);
	CHECK(next_place() == next);
	try_step(make_fast_domain, &mm);
	synchronize_srcu(&domain);
	cleanup_srcu_struct(&domain);
	CHECK(next_place() == next);
}

/* A whole unit: no chunk that is in use has it free, so each time a new one is made. */
static int take_a_unit(void)
{
	place = alloc_percpu_size(PCPU_UNIT_SIZE);
	return place ? 0 : -ENOMEM;
}

static void chunks(void)
{
	void *of_a_line = next_place();

	try_step(take_a_unit, &mm);
	CHECK(this_cpu_ptr((char *)place)[PCPU_UNIT_SIZE - 1] == 0);
	CHECK(next_place() == of_a_line); /* the chunks that were there still serve */
}

/* With every chunk full, a domain takes three allocations, and gives back those that it got. */
static void domain_in_a_new_chunk(void)
{
	void *filling[1024];
	unsigned int n = 0;

	chunks_refused = true;
	while (n < ARRAY_SIZE(filling) && (filling[n] = alloc_percpu_size(ARCH_CACHE_LINE)))
		n++;
	chunks_refused = false;
	CHECK(n < ARRAY_SIZE(filling));
	try_step(make_domain, &mm);
	synchronize_srcu(&domain);
	cleanup_srcu_struct(&domain);
	while (n)
		free_percpu_size(filling[--n], ARCH_CACHE_LINE);
}

/* ---- a thread that is refused cannot be waited for: it ends the program, with a word ---- */

static char text[4096];

static void put_without_a_thread(void)
{
	mm = mm_new();
	CHECK_EQ(get_g(), 0);
	fault.which = 1;
	mmu_notifier_put(&gotten->sub);
}

static void no_thread(void)
{
	CHECK(killed_by(in_child(put_without_a_thread, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: "), 1);
	CHECK_EQ(occurrences(text, "pthread_create"), 1);
}

/* ---- what is made before main() has nobody to answer to: the same ---- */

static unsigned int start_point;

static void start_anew(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", start_point);
	setenv(AT_START, number, 1);
	execl("/proc/self/exe", "faults", (char *)NULL);
	_exit(126);
}

static void at_start(void)
{
	int status;

	for (start_point = 1; start_point <= 16; start_point++) {
		status = in_child(start_anew, text, sizeof(text));
		if (!killed_by(status, SIGABRT))
			break;
		CHECK_EQ(occurrences(text, "BUG: "), 1);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126) {
		check_skip("a program cannot start itself here (an emulator)");
		return;
	}
	CHECK(exited_ok(status));
	/* The locks' nodes take a chunk, which is two; the notifiers' domain. */
	CHECK_EQ(start_point - 1, 3);
}

static void memory_and_locks(void)
{
	fail_each(an_mm, 1);
	fail_each(lists, 4);
	fail_each(first_interval, 3);
	fail_each(first_interval_locked, 3);
	fail_each(interval_after_list, 4);
	fail_each(list_after_interval, 4);
	fail_each(gets_and_puts, 6);
}

static void memory_below(void)
{
	fail_each(domains, 2);
	fail_each(chunks, 2);
	fail_each(domain_in_a_new_chunk, 3);
}

int main(void)
{
	if (getenv(AT_START))
		return 0;
	RUN(at_start);
	RUN(no_thread); /* before anybody starts the domain's */
	RUN(memory_and_locks);
	RUN(memory_below);
	return check_exit();
}

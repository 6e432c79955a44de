/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that fail, by a filter on a child: what the core cannot do
 * without ends it at once with a word, memory that is not there is an answer.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/seccomp.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "check.h"

static char text[8192];

/* The system call NR gives ERROR to this process from now on; false: no filter can be set. */
static bool refuse(long nr, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void try_a_filter(void)
{
	CHECK(refuse(SYS_membarrier, EPERM) && syscall(SYS_membarrier, 0, 0, 0) == -1);
}

/* RUN dies of a BUG whose condition has WORD in it. */
static void dies(void (*run)(void), const char *word)
{
	CHECK(killed_by(in_child(run, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: "), 1);
	CHECK_EQ(occurrences(text, word), 1);
}

/* ---- numbers: before anything here asks for one ---- */

static void take_all_keys(void)
{
	pthread_key_t key;

	while (!pthread_key_create(&key, NULL))
		;
	CHECK_EQ(smp_processor_id(), 0);
}

static void no_key_for_the_exit(void)
{
	dies(take_all_keys, "pthread_key_create");
}

/* ---- grace periods and callbacks ---- */

static struct srcu_struct domain;

static void make_a_fast_domain(void)
{
	refuse(SYS_membarrier, EPERM);
	init_srcu_struct_fast(&domain);
}

static void wait_in_a_fast_domain(void)
{
	CHECK_EQ(init_srcu_struct_fast(&domain), 0);
	refuse(SYS_membarrier, EPERM);
	synchronize_srcu(&domain);
}

/* The plain kind has no use for it. */
static void wait_in_a_plain_domain(void)
{
	refuse(SYS_membarrier, EPERM);
	CHECK_EQ(init_srcu_struct(&domain), 0);
	synchronize_srcu(&domain);
	cleanup_srcu_struct(&domain);
}

static void no_membarrier(void)
{
	dies(make_a_fast_domain, "SYS_membarrier");
	CHECK_EQ(occurrences(text, "membarrier_register()"), 1);
	dies(wait_in_a_fast_domain, "SYS_membarrier");
	CHECK_EQ(occurrences(text, "gp_barrier()"), 1);
	CHECK(exited_ok(in_child(wait_in_a_plain_domain, text, sizeof(text))));
}

static void never(struct rcu_head *head)
{
	(void)head;
	CHECK(false);
}

static void queue_a_callback(void)
{
	struct rcu_head head;

	CHECK_EQ(init_srcu_struct(&domain), 0);
	refuse(SYS_clone, EAGAIN);
#ifdef SYS_clone3
	refuse(SYS_clone3, EAGAIN);
#endif
	call_srcu(&domain, &head, never);
}

static void no_thread_for_callbacks(void)
{
	dies(queue_a_callback, "pthread_create");
}

/* ---- wait queues ---- */

static void sleep_on_a_queue(void)
{
	DECLARE_WAIT_QUEUE_HEAD(wq);

	refuse(SYS_futex, EPERM);
	wait_queue_sleep(&wq, wait_queue_prepare(&wq));
}

static void no_futex(void)
{
	dies(sleep_on_a_queue, "wait_queue_sleep()");
}

/* ---- memory for every CPU ---- */

static void fill_what_is_there(void)
{
	CHECK(refuse(SYS_mmap, ENOMEM));
	while (alloc_percpu_size(1))
		;
}

static void allocate_without_mmap(void)
{
	void *last;

	CHECK(alloc_percpu_size(1));
	CHECK(refuse(SYS_mmap, ENOMEM));
	CHECK(!alloc_percpu_size(PCPU_UNIT_SIZE)); /* the chunk that is there has some of it used */
	CHECK(!alloc_percpu_size(PCPU_UNIT_SIZE));
	last = alloc_percpu_size(1);
	CHECK(last); /* what is there can be had all the same */
	fill_what_is_there();
	CHECK_EQ(init_srcu_struct(&domain), -ENOMEM);
	CHECK_EQ(init_srcu_struct_fast(&domain), -ENOMEM);
	CHECK(!alloc_percpu_size(1));
	free_percpu_size(last, 1);
	CHECK(alloc_percpu_size(1) == last);
}

static void *volatile taken; /* or the compiler would leave the allocations out */

/* What fails gives back what it had by then. */
static void fail_without_a_leak(void)
{
	void *reserve = malloc(1 << 16); /* for the C library's way out */
	struct rlimit none = {0, 0};
	size_t before = 0;

	fill_what_is_there();
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(init_srcu_struct(&domain), -ENOMEM);
		if (i == 500) /* the C library keeps a few for itself */
			before = mallinfo2().uordblks;
	}
	CHECK_EQ(mallinfo2().uordblks, before);

	setrlimit(RLIMIT_AS, &none);
	for (size_t size = 1 << 16; size; size /= 2)
		do
			taken = malloc(size);
		while (taken);
	CHECK(!alloc_percpu_size(1)); /* not even a chunk's own few bytes */
	CHECK_EQ(init_srcu_struct(&domain), -ENOMEM);
	free(reserve);
}

static void define_a_domain(void)
{
	fill_what_is_there();
	srcu_define(&domain);
}

static void no_address_space(void)
{
	CHECK(exited_ok(in_child(allocate_without_mmap, text, sizeof(text))));
	CHECK(exited_ok(in_child(fail_without_a_leak, text, sizeof(text))));
	dies(define_a_domain, "srcu_init");
}

/* ---- what is made before main() ---- */

static DEFINE_SPINLOCK(lock); /* brings the constructor of the locks along */

static void start_with_little(void)
{
	struct rlimit limit = {PCPU_CHUNK_SIZE, PCPU_CHUNK_SIZE};
	char *const words[] = {"system_refuses_test", "no tests", NULL};

	setrlimit(RLIMIT_AS, &limit);
	execv("/proc/self/exe", words);
}

static void no_memory_before_main(void)
{
	spin_lock(&lock);
	spin_unlock(&lock);
	dies(start_with_little, "mcs_cpus");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 0; /* the limit did not hold */
	if (CHECK_SANITIZED) {
		check_skip("a sanitizer makes system calls of its own");
		return check_exit();
	}
	RUN(no_key_for_the_exit);
	if (!exited_ok(in_child(try_a_filter, text, sizeof(text)))) {
		check_skip("no seccomp filter can be set here (an emulator, or a kernel without)");
		return check_exit();
	}
	RUN(no_membarrier);
	RUN(no_thread_for_callbacks);
	RUN(no_futex);
	RUN(no_address_space);
	RUN(no_memory_before_main);
	return check_exit();
}

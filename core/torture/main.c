/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tests in turn, each in a process of its own: one that dies of an
 * invariant, of a BUG or of a sanitizer leaves the others alone. A test's
 * share of the time is cut into slices, so that each also begins often.
 */
#include "torture.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICE_SECONDS 5.0
#define MAX_TESTS     64

static const struct torture_test *const groups[] = {
	torture_locks,	  torture_waits,     torture_srcu,    torture_translations,
	torture_sleepers, torture_removals,  torture_passes,  torture_lists,
	torture_firsts,	  torture_teardowns, torture_threads, torture_forks,
};

static struct chosen {
	const struct torture_test *test;
	unsigned long operations[TORTURE_ROLES];
	double took;
	bool failed;
} chosen[MAX_TESTS];
static unsigned int n_chosen;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- what was asked for ---- */

static void __attribute__((__noreturn__, __format__(__printf__, 1, 2)))
refuse(const char *format, ...)
{
	va_list args;

	fputs("torture: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static void choose(const char *name)
{
	unsigned int before = n_chosen;

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (const struct torture_test *test = groups[g]; test->name; test++)
			if ((!name || !strcmp(name, test->name)) && n_chosen < MAX_TESTS)
				chosen[n_chosen++].test = test;
	if (n_chosen == before)
		refuse("--test %s: no such test; --list names them", name);
}

static void choose_several(char *names)
{
	for (char *rest, *name = strtok_r(names, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest))
		choose(name);
}

static void list(void)
{
	choose(NULL);
	for (unsigned int i = 0; i < n_chosen; i++)
		printf("%-20s %s\n", chosen[i].test->name, chosen[i].test->invariant);
	exit(0);
}

static double positive(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || !(value >= least && value <= most))
		refuse("--%s %s: not a number from %g to %g", option, text, least, most);
	return value;
}

static u64 whole(const char *option, const char *text)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end || end == text || errno || *text == '-')
		refuse("--%s %s: not a whole number", option, text);
	return value;
}

static struct torture_options parse(int argc, char **argv)
{
	static const struct option known[] = {
		{"seconds", required_argument, NULL, 's'},
		{"test", required_argument, NULL, 't'},
		{"threads", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 'r'},
		{"stall", required_argument, NULL, 'w'},
		{"list", no_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	struct torture_options options = {.seconds = 10, .stall = 20, .threads = 2};
	int option;

	options.seed = (u64)time(NULL) * 1000003 + (u64)getpid();
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seconds = positive("seconds", optarg, 0.01, 1e7);
			break;
		case 't':
			choose_several(optarg);
			break;
		case 'n':
			options.threads = (unsigned int)positive("threads", optarg, 1, 32);
			break;
		case 'r':
			options.seed = whole("seed", optarg);
			break;
		case 'w':
			options.stall = positive("stall", optarg, 0.1, 1e6);
			break;
		case 'l':
			list();
			break;
		default:
			refuse("usage: torture [--seconds N] [--test NAME,..] [--threads N] "
			       "[--seed N] [--stall SECONDS] [--list]");
		}
	}
	if (optind < argc)
		refuse("%s: not an option; --list names the tests", argv[optind]);
	if (!n_chosen)
		choose(NULL);
	return options;
}

/* ---- one slice of one test ---- */

/* Waits for the process, but not for ever: its own watchdog may be what is broken. */
static int wait_for(pid_t pid, double seconds)
{
	struct timespec moment = {0, 2 * 1000 * 1000};
	double until = now() + seconds;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now() > until) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		nanosleep(&moment, NULL);
	}
	return status;
}

/* Why the slice failed; NULL: it did not. */
static const char *verdict(struct torture_report *report, int status)
{
	if (get(report->failed))
		return report->why;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return NULL;
	if (WIFSIGNALED(status))
		snprintf(report->why, sizeof(report->why),
			 "no-crash: killed by signal %d (%s); what it wrote stands above",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(report->why, sizeof(report->why),
			 "no-crash: exit code %d; what it wrote stands above", WEXITSTATUS(status));
	return report->why;
}

static void run(struct chosen *this, const struct torture_options *options,
		struct torture_report *report)
{
	const char *why;
	double began = now();
	pid_t pid;

	*report = (struct torture_report){0};
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		refuse("%s: no process can be made: %s", this->test->name, strerror(errno));
	if (!pid) {
		torture_run(this->test, options, report);
		exit(0);
	}
	why = verdict(report, wait_for(pid, options->seconds + 3 * options->stall + 10));
	this->took += now() - began;
	for (int i = 0; i < TORTURE_ROLES; i++)
		this->operations[i] += report->operations[i];
	if (why) {
		this->failed = true;
		printf("FAILED %s: %s (seed %llu)\n", this->test->name, why,
		       (unsigned long long)options->seed);
	}
}

static void print(const struct chosen *this)
{
	const struct torture_role *roles = this->test->roles;
	unsigned long sum = 0;

	for (int i = 0; i < TORTURE_ROLES; i++)
		sum += this->operations[i];
	printf("%s: %s, %lu operations in %.1f s (", this->test->name,
	       this->failed ? "failed" : "passed", sum, this->took);
	for (int i = 0; i < TORTURE_ROLES && roles[i].name; i++)
		printf("%s%s %lu", i ? ", " : "", roles[i].name, this->operations[i]);
	puts(")");
}

int main(int argc, char **argv)
{
	struct torture_options options = parse(argc, argv);
	double share = options.seconds / n_chosen;
	/* The watchdog must find the time to bite in each. */
	unsigned int slices = (unsigned int)(share / max(SLICE_SECONDS, 2 * options.stall)) + 1;
	unsigned int failed = 0;
	struct torture_report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (report == MAP_FAILED)
		refuse("out of memory");
	printf("seed %llu, %u tests, %.3g s each\n", (unsigned long long)options.seed, n_chosen,
	       share);
	options.seconds = share / slices;
	for (unsigned int slice = 0; slice < slices; slice++, options.seed++) {
		for (unsigned int i = 0; i < n_chosen; i++) {
			if (!chosen[i].failed)
				run(&chosen[i], &options, report);
			if (slice == slices - 1)
				print(&chosen[i]);
		}
	}
	for (unsigned int i = 0; i < n_chosen; i++)
		failed += chosen[i].failed;
	printf("%u tests, %u failed\n", n_chosen, failed);
	return failed ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "pin.h"
#include "text.h"

struct plan {
	const struct pin_topology *topo;
	const char *policy;
	unsigned int threads;
	struct pin_slot *slots;
};

bool plans_asked(const struct options *options)
{
	return options->plan || options->draw || options->try_plan;
}

/* ---- --plan and --draw: of one policy and one number of threads ---- */

static int print(const struct plan *plan, bool draw, char *why, size_t len)
{
	int ret = 0;

	if (draw)
		ret = pin_draw(stdout, plan->topo, plan->slots, plan->threads);
	else
		pin_print_plan(stdout, plan->slots, plan->threads);
	if (ret)
		return text_fail(ret, why, len, "out of memory");
	return fflush(stdout) ? text_fail(-EIO, why, len, "standard output: cannot be written") : 0;
}

/* ---- --try-plan: of each policy with each number ---- */

static void print_found(int found)
{
	if (found == PIN_SEVERAL)
		printf("\tseveral");
	else if (found < 0)
		printf("\t-");
	else
		printf("\t%d", found);
}

static void print_trial(const struct plan *plan, const struct pin_trial *trials)
{
	for (unsigned int i = 0; i < plan->threads; i++) {
		printf("%s\t%u\t%u", plan->policy, plan->threads, i);
		print_found(plan->slots[i].pu);
		print_found(trials[i].pu);
		print_found(plan->slots[i].node);
		print_found(trials[i].memory);
		print_found(trials[i].node);
		putchar('\n');
	}
}

static int try(const struct plan *plan, unsigned int *astray, char *why, size_t len)
{
	struct pin_trial *trials = calloc(plan->threads, sizeof(*trials));
	int ret;

	if (!trials)
		return text_fail(-ENOMEM, why, len, "out of memory");
	ret = pin_try(plan->topo, plan->slots, plan->threads, trials, why, len);
	if (!ret)
		print_trial(plan, trials);
	for (unsigned int i = 0; !ret && i < plan->threads; i++)
		*astray += !pin_trial_holds(&plan->slots[i], &trials[i]);
	free(trials);
	return ret;
}

/* ---- all of them ---- */

static int make(struct plan *plan, char *why, size_t len)
{
	bool oversubscribed = false;
	int ret;

	plan->slots = calloc(plan->threads, sizeof(*plan->slots));
	if (!plan->slots)
		return text_fail(-ENOMEM, why, len, "out of memory");
	ret = pin_plan(plan->topo, plan->policy, plan->threads, plan->slots, &oversubscribed, why,
		       len);
	if (!ret && oversubscribed)
		fprintf(stderr, "mnbench: %s: oversubscribed: %u threads are more than its PUs\n",
			plan->policy, plan->threads);
	return ret;
}

static int answer_one(const struct options *options, struct plan *plan, unsigned int *astray,
		      char *why, size_t len)
{
	int ret = make(plan, why, len);

	if (!ret)
		ret = options->try_plan ? try(plan, astray, why, len)
					: print(plan, options->draw, why, len);
	free(plan->slots);
	/* Of several the others are still tried. */
	if (ret != -ENOTSUP || !options->try_plan)
		return ret;
	fprintf(stderr, "mnbench: not tried: %s\n", why);
	return 0;
}

static int answer_policy(const struct options *options, const struct pin_topology *topo,
			 const char *policy, unsigned int *astray, char *why, size_t len)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < options->thread_counts; i++) {
		struct plan plan = {.topo = topo, .policy = policy, .threads = options->threads[i]};

		ret = answer_one(options, &plan, astray, why, len);
	}
	return ret;
}

static int check(const struct options *options, char *why, size_t len)
{
	const char *flag = options->try_plan ? "try-plan" : options->draw ? "draw" : "plan";

	if (options->plan + options->draw + options->try_plan > 1)
		return text_fail(-EINVAL, why, len, "--plan, --draw, --try-plan: ask for one");
	if (!options->pins || !options->thread_counts)
		return text_fail(-EINVAL, why, len, "--%s: wants --pin POLICY and --threads N too",
				 flag);
	if (!options->try_plan && options->thread_counts > 1)
		return text_fail(-EINVAL, why, len, "--threads: --%s wants one number", flag);
	if (options->try_plan && (options->from_xml || options->synthetic))
		return text_fail(-EINVAL, why, len,
				 "--try-plan: threads run on this machine only; leave %s out",
				 options->from_xml ? "--from" : "--synthetic");
	return 0;
}

int plans_answer(const struct options *options, const struct pin_topology *topo, char *why,
		 size_t len)
{
	const char *flag = options->try_plan ? "try-plan" : options->draw ? "draw" : "plan";
	const char *rest = options->pins, *policy;
	unsigned int astray = 0;
	size_t length;
	int ret = check(options, why, len);

	while (!ret && (policy = pin_policy_next(&rest, &length))) {
		char *one = strndup(policy, length);

		if (rest && !options->try_plan)
			ret = text_fail(-EINVAL, why, len, "--pin=%s: --%s wants one policy",
					options->pins, flag);
		else if (!one)
			ret = text_fail(-ENOMEM, why, len, "out of memory");
		else
			ret = answer_policy(options, topo, one, &astray, why, len);
		free(one);
	}
	if (!ret && astray)
		ret = text_fail(-EIO, why, len,
				"--try-plan: %u threads were not where the plan put them, or "
				"their memory was not",
				astray);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results file: what is in a row, and that only whole rows are ever in the file. */
#define _GNU_SOURCE 1
#include "check.h"
#include "rows.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEADER                                                                                     \
	"schema,run_id,utc,host,arch,execution,subject,family,op,variant,threads,pin,params,rep,"  \
	"iterations,real_ns_per_op,cpu_ns_per_op,ops_per_s,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,"   \
	"insns_per_op,overlap,fairness,flags,error\n"

#define PAGE   4096
#define KILLS  100
#define NOBODY 65534

static char folder[] = "/tmp/mnbench-rows-XXXXXX";
static char path[64], other[64], beside[64];
static void (*before_lock)(void); /* called once */
static unsigned truncations;

/* In the place of the C library's, to come between an open() and the lock. */
int flock(int fd, int operation)
{
	void (*hook)(void) = before_lock;

	before_lock = NULL;
	if (hook)
		hook();
	return (int)syscall(SYS_flock, fd, operation);
}

/* Until it is called, what it takes back is there for a kill to leave. */
int ftruncate(int fd, off_t size)
{
	truncations++;
	return (int)syscall(SYS_ftruncate, fd, size);
}

/* The file's text; the caller frees. */
static char *content(void)
{
	char *text = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "r");

	if (!CHECK(file))
		exit(1);
	if (getdelim(&text, &room, EOF, file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static void write_content(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!CHECK(file))
		exit(1);
	fputs(text, file);
	fclose(file);
}

static void check_content(const char *expected)
{
	char *text = content();

	CHECK_TEXT(text, expected);
	free(text);
}

static struct rows *open_rows(void)
{
	struct rows *rows = NULL;
	char why[256] = "";

	if (rows_open(&rows, path, why, sizeof(why))) {
		fprintf(stderr, "cannot open: %s\n", why);
		exit(1);
	}
	return rows;
}

static void full_row(struct row *row)
{
	*row = (struct row){
		.run_id = "r1",
		.utc = "2026-01-31T23:59:59Z",
		.host = "h",
		.arch = "riscv64",
		.execution = "native",
		.subject = "port",
		.family = "seq",
		.op = "insert",
		.variant = "queued",
		.threads = 2,
		.pin = "compact",
		.params = "intervals:64;writers:1",
		.rep = 0,
		.iterations = 1000000,
		.real_ns_per_op = 0.1,
		.cpu_ns_per_op = 1.0 / 3,
		.ops_per_s = 1e10,
		.p50_ns = 50,
		.p90_ns = 90.5,
		.p99_ns = 99,
		.p999_ns = 999.25,
		.max_ns = 1e21,
		.insns_per_op = 0,
		.overlap = 1,
		.fairness = 0.9999999999999999,
		.flags = "emulated;oversubscribed",
	};
}

static void test_cells(void)
{
	struct rows *rows = open_rows();
	struct row row;

	full_row(&row);
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	/* A failed row has no figures, whatever was measured. */
	row.error = "xnode: one node";
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	/* Nothing known: nothing invented; but the time is. */
	row_init(&row);
	row.utc = "";
	row.real_ns_per_op = INFINITY;
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	CHECK(!rows_close(rows, NULL, 0));
	check_content(
		HEADER
		"1,r1,2026-01-31T23:59:59Z,h,riscv64,native,port,seq,insert,queued,2,compact,"
		"intervals:64;writers:1,0,1000000,0.1,0.3333333333333333,10000000000,50,90.5,"
		"99,999.25,1e+21,0,1,0.9999999999999999,emulated;oversubscribed,\n"
		"1,r1,2026-01-31T23:59:59Z,h,riscv64,native,port,seq,insert,queued,2,compact,"
		"intervals:64;writers:1,0,,,,,,,,,,,,,emulated;oversubscribed,xnode: one node\n"
		"1,,,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	unlink(path);
}

static void test_quoting(void)
{
	struct rows *rows = open_rows();
	struct row row;
	char *text;

	row_init(&row);
	row.run_id = "a,b";
	row.host = "say \"x\"";
	row.pin = "list:0,2";
	row.params = "umlaut:\xc3\xa4";
	row.flags = "\xff\xc3(\xed\xa0\x80"; /* no UTF-8: a lone byte, a cut one, a surrogate */
	row.error = "two\nlines";
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	CHECK(!rows_close(rows, NULL, 0));
	text = content();
	CHECK_HAS(text, "\n1,\"a,b\",20");
	CHECK_HAS(text, "Z,\"say \"\"x\"\"\",");
	CHECK_HAS(text, ",\"list:0,2\",umlaut:\xc3\xa4,");
	CHECK_HAS(text, ",??"
			"(???,\"two\nlines\"\n");
	free(text);
	unlink(path);
}

static void test_time(void)
{
	char text[TEXT_UTC];

	text_utc(text);
	CHECK(strlen(text) == strlen("2026-01-31T23:59:59Z"));
	CHECK(strspn(text, "0123456789-:TZ") == strlen(text) && text[10] == 'T' && text[19] == 'Z');
}

static void check_number(double number)
{
	char text[TEXT_NUMBER];

	text_number(text, number);
	CHECK(strtod(text, NULL) == number);
	CHECK(strspn(text, "0123456789.e+-") == strlen(text));
}

static void test_numbers(void)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {{0, "0"},
		     {-0.0, "0"},
		     {1, "1"},
		     {-2.5, "-2.5"},
		     {0.31, "0.31"},
		     {1e15, "1000000000000000"},
		     {9007199254740993.0, "9007199254740992"},
		     {1e300, "1e+300"},
		     {5e-324, "5e-324"},
		     {0.1 + 0.2, "0.30000000000000004"}};
	/* A locale with a decimal comma, where there is one. */
	static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
	char text[TEXT_NUMBER];

	for (size_t l = 0; l < sizeof(locales) / sizeof(*locales); l++) {
		if (!setlocale(LC_ALL, locales[l])) {
			printf("locale %s is not here\n", locales[l]);
			continue;
		}
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			text_number(text, cases[i].number);
			CHECK_TEXT(text, cases[i].text);
		}
	}
	setlocale(LC_ALL, "C");
	srand48(1);
	for (int i = 0; i < 20000; i++) {
		check_number(drand48());
		check_number(ldexp(drand48(), (int)(lrand48() % 2000) - 1000));
	}
}

static void test_append_to_old(void)
{
	struct rows *rows;
	struct row row;
	char *text;

	row_init(&row);
	row.utc = "t";
	for (int i = 0; i < 3; i++) {
		rows = open_rows();
		row.rep = i;
		CHECK(!rows_append(rows, &row, 1, NULL, 0));
		CHECK(!rows_close(rows, NULL, 0));
	}
	text = content();
	CHECK(!strncmp(text, HEADER, strlen(HEADER)));
	CHECK_TEXT(text + strlen(HEADER), "1,,t,,,,,,,,,,,0,,,,,,,,,,,,,,\n"
					  "1,,t,,,,,,,,,,,1,,,,,,,,,,,,,,\n"
					  "1,,t,,,,,,,,,,,2,,,,,,,,,,,,,,\n");
	free(text);
	CHECK(!rows_close(NULL, NULL, 0));
	/* An empty file is a new one. */
	write_content("");
	CHECK(!rows_close(open_rows(), NULL, 0));
	check_content(HEADER);
	unlink(path);
}

static void test_refused(void)
{
	static const struct {
		const char *content, *why;
	} cases[] = {
		{"name,real_time\n", "line 1 is not the header of schema 1"},
		{"schema,run_id", "line 1 is not the header of schema 1"},
		{"\n" HEADER, "line 1 is not the header of schema 1"},
		{HEADER "1,r1,2026-01",
		 "the last line is cut off; remove it, or name another file"},
	};
	struct rows *rows = NULL;
	char why[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_content(cases[i].content);
		CHECK(rows_open(&rows, path, why, sizeof(why)) == -EINVAL);
		CHECK_HAS(why, cases[i].why);
		CHECK(!strncmp(why, path, strlen(path)));
		check_content(cases[i].content);
	}
	CHECK(!rows);
	unlink(path);
	CHECK(rows_open(&rows, "/nonexistent/f.csv", why, sizeof(why)) == -ENOENT);
	CHECK_TEXT(why, "/nonexistent/f.csv: No such file or directory");
	CHECK(rows_open(&rows, folder, why, sizeof(why)) == -EISDIR);
	CHECK(rows_open(&rows, "/dev/full", why, sizeof(why)) == -ENOSPC);
	CHECK_TEXT(why, "/dev/full: No space left on device");
}

static void test_two_runs(void)
{
	struct rows *first = open_rows(), *second = NULL;
	char why[256];

	CHECK(rows_open(&second, path, why, sizeof(why)) == -EBUSY);
	CHECK_HAS(why, "another run is writing to it");
	check_content(HEADER);
	CHECK(!rows_close(first, NULL, 0));
	CHECK(!rows_open(&second, path, why, sizeof(why)));
	CHECK(!rows_close(second, NULL, 0));
	unlink(path);
}

static struct stat status_of(const char *name)
{
	struct stat st = {0};

	CHECK(!lstat(name, &st));
	return st;
}

static bool exists(const char *name)
{
	return !access(name, F_OK);
}

/* Append until the next row crosses a page; that one's size. */
static size_t fill_page(struct rows *rows)
{
	size_t before = (size_t)status_of(path).st_size, size = 0;
	struct row row;

	full_row(&row);
	do {
		if (!CHECK(!rows_append(rows, &row, 1, NULL, 0)))
			break;
		size = (size_t)status_of(path).st_size - before;
		before += size;
	} while (before % PAGE + size <= PAGE);
	return size;
}

static void append_one(struct rows *rows)
{
	char why[256] = "";
	struct row row;

	full_row(&row);
	CHECK(!rows_append(rows, &row, 1, why, sizeof(why)));
	CHECK_TEXT(why, "");
}

/* Whether the file keeps `rows` whole rows under its header, and is nothing but them. */
static void check_rows(unsigned rows)
{
	char *text = content(), *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1)
		if (line != text) {
			CHECK(!strncmp(line, "1,r1,2026-01-31T23:59:59Z,h,riscv64,", 36));
			rows--;
		}
	CHECK(!*line);
	CHECK(!rows);
	CHECK(!strncmp(text, HEADER, strlen(HEADER)));
	free(text);
}

/* Rows within a page stay in the file, any other comes with a new one, and no row is lost. */
static void test_crossing(void)
{
	struct rows *rows = open_rows();
	struct stat before = status_of(path), after;
	unsigned crossings = 0;
	struct row row;

	for (int i = 0; i < 100; i++, before = after) {
		append_one(rows);
		after = status_of(path);

		bool crosses = before.st_size / PAGE != (after.st_size - 1) / PAGE;

		CHECK((before.st_ino != after.st_ino) == crosses);
		CHECK(!exists(beside));
		crossings += crosses;
	}
	CHECK(crossings > 3);
	check_rows(100);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);

	/* One longer than any page. */
	char error[3 * PAGE];

	memset(error, 'e', sizeof(error) - 1);
	error[sizeof(error) - 1] = '\0';
	rows = open_rows();
	before = status_of(path);
	full_row(&row);
	row.error = error;
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	CHECK(before.st_ino != status_of(path).st_ino);
	append_one(rows);
	check_rows(2);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

/* More than one buffer of the copy, and no descriptor left open. */
static void test_long_file(void)
{
	struct rows *rows = open_rows();
	int first = dup(0), second;

	close(first);
	for (int i = 0; i < 1000; i++)
		append_one(rows);
	check_rows(1000);
	CHECK(status_of(path).st_size > 2 * 65536);
	second = dup(0);
	close(second);
	CHECK(second <= first + 1);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

static void test_lock_kept(void)
{
	struct rows *first = open_rows(), *second = NULL;
	int old = open(path, O_RDONLY);

	fill_page(first);
	append_one(first);
	CHECK(!flock(old, LOCK_EX | LOCK_NB)); /* the replaced one, of no use */
	CHECK(rows_open(&second, path, NULL, 0) == -EBUSY);
	close(old);
	CHECK(!rows_close(first, NULL, 0));
	CHECK(!rows_open(&second, path, NULL, 0));
	CHECK(!rows_close(second, NULL, 0));
	unlink(path);
}

static struct rows *holder;

static void replace_and_hold(void)
{
	append_one(holder);
}

static void replace_and_go(void)
{
	append_one(holder);
	CHECK(!rows_close(holder, NULL, 0));
}

static void remove_file(void)
{
	CHECK(!rows_close(holder, NULL, 0));
	unlink(path);
}

/* The file is replaced between our open() and our lock: what we have locked is not the file. */
static void test_replaced_under_open(void)
{
	struct rows *rows = NULL;

	holder = open_rows();
	fill_page(holder);
	before_lock = replace_and_hold;
	CHECK(rows_open(&rows, path, NULL, 0) == -EBUSY);
	fill_page(holder);
	before_lock = replace_and_go;
	rows = open_rows();
	append_one(rows);
	CHECK(!rows_close(rows, NULL, 0));
	CHECK(status_of(path).st_size > 2 * PAGE);

	holder = open_rows();
	before_lock = remove_file;
	rows = open_rows();
	append_one(rows);
	check_rows(1);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

static void test_symlink(void)
{
	struct rows *rows;
	struct stat before;

	CHECK(!symlink("f.csv", other));
	CHECK(!rows_open(&rows, other, NULL, 0));
	before = status_of(path);
	fill_page(rows);
	append_one(rows);
	CHECK(S_ISLNK(status_of(other).st_mode));
	CHECK(before.st_ino != status_of(path).st_ino);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(other);
	unlink(path);
}

static void test_mode_kept(void)
{
	struct rows *rows;
	struct stat before, after;

	write_content("");
	CHECK(!chmod(path, 0646));
	if (chown(path, NOBODY, NOBODY - 1))
		printf("not root: the owner is ours before and after\n");
	before = status_of(path);
	rows = open_rows();
	fill_page(rows);
	append_one(rows);
	after = status_of(path);
	CHECK(before.st_ino != after.st_ino);
	CHECK(before.st_mode == after.st_mode);
	CHECK(before.st_uid == after.st_uid && before.st_gid == after.st_gid);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

/* The file is in use under another name: the rows are to be seen there too. */
static void check_in_place(struct rows *rows)
{
	ino_t before = status_of(path).st_ino;

	fill_page(rows);
	append_one(rows);
	CHECK(before == status_of(path).st_ino);
	CHECK(!rows_close(rows, NULL, 0));
}

static void test_other_names(void)
{
	struct rows *rows = open_rows();
	char name[64];
	int fd;

	CHECK(!link(path, other));
	check_in_place(rows);
	unlink(other);
	unlink(path);

	fd = open(path, O_RDWR | O_CREAT, 0600);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK(!rows_open(&rows, name, NULL, 0));
	check_in_place(rows);
	close(fd);
	unlink(path);
}

/* Another file has the name now: neither is it replaced, nor are rows lost. */
static void test_moved(void)
{
	struct rows *rows = open_rows();
	off_t before;

	fill_page(rows);
	CHECK(!rename(path, other));
	before = status_of(other).st_size;
	write_content("not ours\n");
	append_one(rows);
	check_content("not ours\n");
	CHECK(status_of(other).st_size > before);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(other);
	unlink(path);
}

/* What the parent must not do to itself. */
static void in_child(int (*test)(void))
{
	pid_t child;
	int status = 0;

	fflush(stdout);
	child = fork();
	if (!child) {
		check_failures = 0;
		status = test();
		fflush(stdout);
		_exit(status);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == TEST_SKIP);
}

static void limit_size(rlim_t size)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = size;
	CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
}

/* A file that takes no more rows is as it was, with no copy beside it, and takes them later. */
static void check_no_space(struct rows *rows)
{
	char *whole = content(), why[256] = "";
	struct row row;

	full_row(&row);
	CHECK(rows_append(rows, &row, 1, why, sizeof(why)) == -ENOSPC);
	CHECK_HAS(why, "No space left on device");
	CHECK(!strncmp(why, path, strlen(path)));
	check_content(whole);
	CHECK(!exists(beside));
	free(whole);
}

/* A folder that is not to be written to, in which rows go in place; and are taken back. */
static int unwritable_folder(void)
{
	struct rows *rows;

	if (!geteuid() && (setgid(NOBODY) || setuid(NOBODY))) {
		printf("cannot be another user: no test of an unwritable folder\n");
		return TEST_SKIP;
	}
	rows = open_rows();
	fill_page(rows);
	limit_size((rlim_t)status_of(path).st_size + 10);
	check_no_space(rows);
	limit_size(RLIM_INFINITY);
	check_in_place(rows);
	return check_result();
}

static void test_unwritable_folder(void)
{
	write_content("");
	CHECK(!chmod(path, 0666));
	CHECK(!chmod(folder, 0555));
	in_child(unwritable_folder);
	CHECK(!chmod(folder, 0700));
	unlink(path);
}

/* Of another user, who keeps it. */
static int strange_owner(void)
{
	struct rows *rows;

	if (geteuid() || setgid(NOBODY) || setuid(NOBODY)) {
		printf("cannot be another user: no test of another's file\n");
		return TEST_SKIP;
	}
	rows = open_rows();
	check_in_place(rows);
	CHECK(!exists(beside));
	return check_result();
}

static void test_strange_owner(void)
{
	write_content("");
	CHECK(!chmod(path, 0666));
	CHECK(!chmod(folder, 0777));
	in_child(strange_owner);
	CHECK(!chmod(folder, 0700));
	unlink(path);
}

/* A limit on the file's size cuts a write short: of a row within a page, and of the copy. */
static void test_no_space(void)
{
	struct rows *rows = open_rows();

	truncations = 0;
	for (int i = 0; i < 3; i++)
		append_one(rows);
	limit_size((rlim_t)status_of(path).st_size + 10);
	check_no_space(rows);
	limit_size(RLIM_INFINITY);
	append_one(rows);
	fill_page(rows);
	limit_size((rlim_t)status_of(path).st_size + 10);
	check_no_space(rows);
	limit_size(RLIM_INFINITY);
	append_one(rows);
	CHECK(!truncations);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

/* There is room for the file, but not for a second one. */
static int full_disk(void)
{
	struct rows *rows;
	int err = 0;
	struct row row;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=64k")) {
		printf("cannot mount: no test of a full disk\n");
		return TEST_SKIP;
	}
	rows = open_rows();
	full_row(&row);
	for (int i = 0; i < 1000 && !err; i++)
		err = rows_append(rows, &row, 1, NULL, 0);
	CHECK(err == -ENOSPC);
	CHECK(status_of(path).st_size > 4 * PAGE && status_of(path).st_size <= 8 * PAGE);
	check_no_space(rows);
	CHECK(!rows_close(rows, NULL, 0));
	return check_result();
}

static void test_pipe(void)
{
	struct rows *rows;
	struct row row;
	char text[1024] = "";
	ssize_t n;
	int fd;

	CHECK(!mkfifo(path, 0600));
	fd = open(path, O_RDONLY | O_NONBLOCK);
	rows = open_rows();
	row_init(&row);
	row.utc = "t";
	CHECK(!rows_append(rows, &row, 1, NULL, 0));
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	CHECK_TEXT(text, HEADER "1,,t,,,,,,,,,,,,,,,,,,,,,,,,,\n");
	signal(SIGPIPE, SIG_IGN);
	close(fd);
	CHECK(rows_append(rows, &row, 1, NULL, 0) == -EPIPE);
	rows_close(rows, NULL, 0);
	unlink(path);
}

static void write_for_ever(void)
{
	struct rows *rows = open_rows();
	struct row four[4];

	for (int i = 0; i < 4; i++)
		full_row(&four[i]);
	while (!rows_append(rows, four, 4, NULL, 0))
		;
	_exit(1);
}

static unsigned commas(const char *line)
{
	unsigned n = 0;

	for (; *line && *line != '\n'; line++)
		n += *line == ',';
	return n;
}

/*
 * Every line that is there is a whole one, they come so many TOGETHER, and the next run can go on
 * with them.
 */
static void check_after_kill(unsigned together)
{
	char *text = content(), *line = text, *end;
	unsigned lines = 0;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		CHECK(commas(line) == 27);
		lines++;
		CHECK(line == text || !strncmp(line, "1,r1,2026-01-31T23:59:59Z,h,riscv64,", 36));
	}
	if (!CHECK(!*line))
		printf("a row was cut at %zu\n", strlen(text));
	else
		/* The lock has gone with its holder. */
		CHECK(!rows_close(open_rows(), NULL, 0));
	CHECK((lines - 1) % together == 0);
	CHECK(!exists(beside));
	free(text);
}

static void test_kill(int kills)
{
	for (int i = 0; i < kills; i++) {
		pid_t child = fork();
		struct stat st = {0};
		int status;

		if (!child)
			write_for_ever();
		while (stat(path, &st) || st.st_size < 2000)
			usleep(100);
		usleep((useconds_t)(lrand48() % 2000));
		CHECK(!kill(child, SIGKILL));
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		check_after_kill(4);
		unlink(path);
	}
}

static void kill_self(void)
{
	raise(SIGKILL);
}

/* Killed with a copy begun: the file is the old one, and the next run removes the copy. */
static void test_kill_in_copy(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		struct rows *rows = open_rows();

		fill_page(rows);
		before_lock = kill_self;
		append_one(rows);
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	CHECK(exists(beside));
	check_after_kill(1);
	unlink(path);
}

/* `rows_test 5000`: that many kills. */
int main(int argc, char **argv)
{
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/f.csv", folder);
	snprintf(other, sizeof(other), "%s/g.csv", folder);
	snprintf(beside, sizeof(beside), "%s/.f.csv.new", folder);
	signal(SIGXFSZ, SIG_IGN);
	test_cells();
	test_quoting();
	test_time();
	test_numbers();
	test_append_to_old();
	test_refused();
	test_two_runs();
	test_crossing();
	test_long_file();
	test_lock_kept();
	test_replaced_under_open();
	test_symlink();
	test_mode_kept();
	test_other_names();
	test_moved();
	test_unwritable_folder();
	test_strange_owner();
	test_no_space();
	in_child(full_disk);
	test_pipe();
	test_kill_in_copy();
	test_kill(argc > 1 ? atoi(argv[1]) : KILLS);
	CHECK(!rmdir(folder));
	return check_result();
}

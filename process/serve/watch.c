// SPDX-License-Identifier: Apache-2.0
#include "serve/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "look/sound.h"
#include "serve/catch.h"
#include "serve/rights.h"

#ifndef FAN_REPORT_TID
#define FAN_REPORT_TID 0x00000100
#endif

enum {
	THREADS_MAX = 32, /* that catch, or wait for an event */
	IDLE_MAX = 2,	  /* of them wait for their turn; more end */
	USER_MAX =
		8, /* processes of one user that are followed at a time: others have to be followed as well */
	MARKS_MAX = 65536,
	TROUBLE_MS = 5000,
	STUCK_LOOKS = 3,
};

struct mark {
	uint64_t dev, ino;
	uint64_t
		round; /* when it was set the last time: an inode's number may be given to another file */
	bool watched; /* else it is not sound, and only remembered */
};

struct watch {
	struct serve *s;
	int fan, dirs; /* fanotify, inotify; -1: none */

	pthread_mutex_t lock; /* what follows */
	char failed[256];     /* why it is not on; "": it need not be */
	struct mark *marks;   /* by dev, ino */
	size_t nmarks, room, nwatched;
	uint64_t round, count;
	bool on;
	uint64_t reads, seen; /* events that were read; what watch_stuck() saw of that */
	unsigned int stuck;
	unsigned int threads, idle;
	struct catch *held[THREADS_MAX]; /* threads that are followed */
	size_t nheld;

	pthread_mutex_t baton; /* held by the one who reads */
};

static void *catcher(void *arg);

static int spawn(struct watch *w)
{
	pthread_attr_t attr;
	pthread_t t;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = rights_thread(&t, &attr, catcher, w);
	pthread_attr_destroy(&attr);
	return -r;
}

/* ------------------------------------------------------------------ */
/* an event                                                            */

struct event {
	struct watch *w;
	int fd; /* of the file; -1: answered */
	struct catch *c;
};

static void allow(void *ctx)
{
	struct event *e = ctx;
	const struct fanotify_response r = {.fd = e->fd, .response = FAN_ALLOW};

	if (e->fd < 0)
		return;
	(void)!write(e->w->fan, &r, sizeof(r));
	close(sut_steal_fd(&e->fd));
}

static bool is_own(pid_t tid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	return access(path, F_OK) == 0;
}

/* What is opened: false when no patch is wanted for it any more, and nobody need ask us again. */
static bool read_file(const struct wanted *w, int fd, struct catch_file *ret)
{
	_Alignas(8) uint8_t head[CATCH_HEAD], build_id[SUT_LIBRARY_BUILD_ID_LEN];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	struct catch_file f = {.opening = true, .fd = -1};

	if (n <= 0 || glance_build_id(head, (size_t)n, build_id) != 1 ||
	    catch_elf(head, (size_t)n, &f.elf) < 0)
		return false;
	f.want = wanted_find(w, build_id);
	*ret = f;
	return f.want;
}

/* A thread that is followed already opens another one: its follower learns of it, before it is allowed. */
static bool add_to_held(struct watch *w, pid_t tid, int fd)
{
	bool found = false;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; !found && i < w->nheld; i++) {
		struct catch *c = w->held[i];

		if (c->tid != tid)
			continue;
		found = true;
		pthread_mutex_lock(&c->lock);
		if (c->n < CATCH_FILES_MAX && read_file(c->w, fd, &c->files[c->n]))
			c->n++;
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return found;
}

static void release(void *ctx)
{
	struct event *e = ctx;
	struct watch *w = e->w;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->nheld; i++)
		if (w->held[i] == e->c)
			w->held[i--] = w->held[--w->nheld];
	pthread_mutex_unlock(&w->lock);
}

static void unmark(struct watch *w, int fd)
{
	uint64_t rights = rights_raise();

	(void)!fanotify_mark(w->fan, FAN_MARK_REMOVE, FAN_OPEN_PERM, fd, NULL);
	rights_back(rights);
}

static uid_t user_of(pid_t tid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", tid);
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

/* false: its user has enough of them already. */
static bool hold(struct watch *w, struct catch *c)
{
	size_t n = 0;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; c->uid && i < w->nheld; i++)
		n += w->held[i]->uid == c->uid;
	if (n < USER_MAX)
		w->held[w->nheld++] = c;
	pthread_mutex_unlock(&w->lock);
	return n < USER_MAX;
}

/* false: the calling thread is to end, and what it holds is let go by that. */
static bool take_event(struct watch *w, struct catch_alarm *alarm, pid_t tid, int fd, bool overload)
{
	_cleanup_(wanted_unrefp) struct wanted *wanted = NULL;
	struct catch c = {.s = w->s, .tid = tid, .pid = tid, .uid = user_of(tid)};
	struct event e = {.w = w, .fd = fd, .c = &c};
	const struct catch_calls calls = {.allow = allow, .release = release, .ctx = &e};
	bool ended;

	if (is_own(tid) || add_to_held(w, tid, fd) || !serve_may(w->s, tid)) {
		allow(&e);
		return true;
	}
	wanted = serve_wanted(w->s);
	if (!wanted || !read_file(wanted, fd, &c.files[0])) {
		unmark(w, fd);
		allow(&e);
		return true;
	}
	/* Who is left alone is not held for a moment, and least of all that one (it executes itself when it is upgraded). */
	if (tid == 1 && !wanted->init) {
		allow(&e);
		return true;
	}
	c.w = wanted;
	c.n = 1;
	pthread_mutex_init(&c.lock, NULL);
	if (overload || !hold(w, &c)) {
		allow(&e);
		serve_soon(w->s, tid, 50);
		pthread_mutex_destroy(&c.lock);
		return true;
	}
	ended = catch_run(&c, alarm, &calls);
	allow(&e);
	pthread_mutex_destroy(&c.lock);
	return ended;
}

/*
 * The kernel could not give us an event: it needs a descriptor for each, and has refused that file to whoever opens it. Nobody else is
 * to suffer so: nothing is watched until all processes are looked at again.
 */
static void trouble(struct watch *w)
{
	struct timespec moment = {.tv_nsec = 100000000};
	int e = errno;

	watch_pause(w);
	pthread_mutex_lock(&w->lock);
	snprintf(w->failed, sizeof(w->failed),
		 "events cannot be read (%s): nothing is watched for some seconds. Somebody may "
		 "have been refused a library meanwhile",
		 strerror(e));
	pthread_mutex_unlock(&w->lock);
	serve_log("%s", w->failed);
	serve_rescan_in(w->s, TROUBLE_MS);
	nanosleep(&moment, NULL);
}

/* With the right to have a descriptor also where the system has too many open. */
static ssize_t read_event(struct watch *w, struct fanotify_event_metadata *ret)
{
	uint64_t rights = rights_raise();
	ssize_t n;
	int e;

	do
		n = read(w->fan, ret, sizeof(*ret));
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	e = errno;
	rights_back(rights);
	errno = e;
	return n;
}

/*
 * One of us reads, one event at a time, and goes to work on it, when another one has taken its place. The last one that is left does
 * nothing that takes time.
 */
static bool serve_one(struct watch *w, struct catch_alarm *alarm)
{
	struct fanotify_event_metadata m;
	bool overload = false, stay, ended = true;
	ssize_t n;

	pthread_mutex_lock(&w->baton);
	n = read_event(w, &m);
	if (n != sizeof(m)) {
		trouble(w);
		pthread_mutex_unlock(&w->baton);
		return true;
	}
	pthread_mutex_lock(&w->lock);
	w->reads++;
	w->idle--;
	if (!w->idle) {
		if (w->threads < THREADS_MAX && spawn(w) == 0) {
			w->threads++;
			w->idle++;
		} else {
			overload = true;
		}
	}
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_unlock(&w->baton);

	if (m.mask & FAN_OPEN_PERM)
		ended = take_event(w, alarm, m.pid, m.fd, overload || !alarm);
	else if (m.fd >= 0)
		close(m.fd);
	pthread_mutex_lock(&w->lock);
	stay = ended && w->idle < IDLE_MAX;
	if (stay)
		w->idle++;
	pthread_mutex_unlock(&w->lock);
	return stay;
}

static void *catcher(void *arg)
{
	struct watch *w = arg;
	struct catch_alarm *alarm = NULL;

	/* Without it nobody may be followed; but somebody has to answer. */
	if (catch_alarm_new(&alarm) < 0)
		serve_log("no timer is to be had: some new processes wait for the rescan");
	while (serve_one(w, alarm))
		;
	catch_alarm_free(alarm);
	pthread_mutex_lock(&w->lock);
	w->threads--;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ------------------------------------------------------------------ */
/* marks                                                               */

static int fail(struct watch *w, const char *what)
{
	int e = errno;

	snprintf(w->failed, sizeof(w->failed),
		 "%s: %s. Processes that start are patched by the rescan, up to five minutes later",
		 what, strerror(e));
	serve_log("%s", w->failed);
	return -e;
}

int watch_new(struct serve *s, struct watch **ret, struct sut_err *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	uint64_t rights = rights_raise();

	if (!w)
		return sut_err_oom(err);
	w->s = s;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->baton, NULL);
	w->fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_REPORT_TID |
				       FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
			       /* Nobody's lease keeps the one who reads events waiting. */
			       O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->fan < 0)
		fail(w, "new processes cannot be caught: fanotify");
	w->dirs = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	rights_back(rights);
	*ret = w;
	return 0;
}

static int by_inode(const struct mark *a, uint64_t dev, uint64_t ino)
{
	if (a->dev != dev)
		return a->dev < dev ? -1 : 1;
	return a->ino < ino ? -1 : a->ino > ino;
}

static size_t place(const struct watch *w, uint64_t dev, uint64_t ino)
{
	size_t low = 0, high = w->nmarks;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (by_inode(&w->marks[mid], dev, ino) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Is it to be marked (again)? */
static bool note_mark(struct watch *w, uint64_t dev, uint64_t ino)
{
	size_t low = place(w, dev, ino);

	if (low < w->nmarks && by_inode(&w->marks[low], dev, ino) == 0) {
		bool again = w->marks[low].round != w->round;

		w->marks[low].round = w->round;
		return again;
	}
	if (w->nmarks == w->room) {
		size_t room = w->room ? w->room * 2 : 32;
		struct mark *more =
			room > MARKS_MAX ? NULL : reallocarray(w->marks, room, sizeof(*more));

		if (!more)
			return true;
		w->marks = more;
		w->room = room;
	}
	memmove(&w->marks[low + 1], &w->marks[low], (w->nmarks - low) * sizeof(w->marks[0]));
	w->marks[low] = (struct mark){dev, ino, w->round, false};
	w->nmarks++;
	return true;
}

static bool fresh(struct watch *w, uint64_t dev, uint64_t ino)
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = w->on && note_mark(w, dev, ino);
	pthread_mutex_unlock(&w->lock);
	return yes;
}

/* Who starts with that file is not caught: to be told as long as it is so. */
static void not_watched(struct watch *w, const char *path, int error)
{
	/* Whoever had it has ended. */
	if (error == ENOENT || error == ESRCH)
		return;
	serve_log("cannot watch %s: %s", path, strerror(error));
	pthread_mutex_lock(&w->lock);
	snprintf(w->failed, sizeof(w->failed),
		 "%.160s cannot be watched (%s): processes that start with it wait for the rescan",
		 path, strerror(error));
	pthread_mutex_unlock(&w->lock);
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		serve_rescan_in(w->s, TROUBLE_MS);
}

static void mark(struct watch *w, int fd, const char *name)
{
	if (fanotify_mark(w->fan, FAN_MARK_ADD, FAN_OPEN_PERM, fd, NULL) < 0)
		not_watched(w, name, errno);
}

/* It was not, until now. */
static void note_watched(struct watch *w, uint64_t dev, uint64_t ino)
{
	size_t at;

	pthread_mutex_lock(&w->lock);
	at = place(w, dev, ino);
	if (at < w->nmarks && by_inode(&w->marks[at], dev, ino) == 0 && !w->marks[at].watched) {
		w->marks[at].watched = true;
		w->nwatched++;
		w->count++;
	}
	pthread_mutex_unlock(&w->lock);
}

/* A file that we may not open would be refused to everybody who opens it: read_event(). */
static void mark_if_open(struct watch *w, const char *path, const char *name)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		mark(w, fd, name);
	else
		not_watched(w, name, errno);
}

/* RESOLVE_CACHED: as far as the kernel knows it without asking a file system, which may be anybody's. */
static int open_in(const char *root, const char *path, uint64_t flags, uint64_t resolve)
{
	_cleanup_(sut_closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct open_how how = {.flags = flags | O_CLOEXEC,
				     .resolve = RESOLVE_IN_ROOT | resolve};
	int fd;

	if (dir < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/*
 * Only a sound one: who opens a marked file waits for us, we wait for nobody's file system or lease, and nobody may have others wait with
 * him.
 */
static bool mark_sound(struct watch *w, pid_t pid, int fd, const char *name)
{
	char link[48];

	if (fd < 0 || !sound_file(pid, fd))
		return false;
	/* AT_EMPTY_PATH is not among the flags of a mark. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	mark_if_open(w, link, name);
	return true;
}

/* In another mount namespace the path leads to the same file by another inode, perhaps: an overlay. */
void watch_file_of(struct watch *w, pid_t pid, const struct glance_file *f, const char *path)
{
	_cleanup_(sut_closep) int mapped = -1;
	_cleanup_(sut_closep) int named = -1;
	_cleanup_(sut_freep) char *name = NULL;
	char link[96], root[32];
	uint64_t rights;
	bool any;

	if (w->fan < 0 || !fresh(w, f->dev, f->ino))
		return;
	rights = rights_raise();
	name = strndup(path, f->path_len);
	snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)f->start, (unsigned long long)f->end);
	mapped = open(link, O_PATH | O_CLOEXEC);
	if (mapped < 0)
		not_watched(w, name ? name : "a file that is in use", errno);
	any = mark_sound(w, pid, mapped, name ? name : "a file that is in use");
	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	if (name && name[0] == '/')
		named = open_in(root, name, O_PATH | O_NOFOLLOW, RESOLVE_CACHED);
	any = mark_sound(w, pid, named, name) || any;
	rights_back(rights);
	if (any)
		note_watched(w, f->dev, f->ino);
}

void watch_root_of(struct watch *w, pid_t pid, const struct wanted *wanted)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV |
						RESOLVE_NO_MAGICLINKS};
	_cleanup_(sut_closep) int root = -1;
	char path[64];
	uint64_t rights;
	bool on;

	pthread_mutex_lock(&w->lock);
	on = w->on;
	pthread_mutex_unlock(&w->lock);
	if (w->fan < 0 || !on)
		return;
	rights = rights_raise();
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || !sound_place(pid, root)) {
		rights_back(rights);
		return;
	}
	for (size_t i = 0; i < wanted->n; i++) {
		_Alignas(8) uint8_t head[CATCH_HEAD], build_id[SUT_LIBRARY_BUILD_ID_LEN];
		_cleanup_(sut_closep) int found = -1, fd = -1;
		ssize_t n;

		found = (int)syscall(SYS_openat2, root, wanted->v[i].file, &how, sizeof(how));
		if (found < 0 || !sound_file(pid, found))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
		if (n > 0 && glance_build_id(head, (size_t)n, build_id) == 1 &&
		    wanted_find(wanted, build_id))
			mark(w, fd, wanted->v[i].file);
	}
	rights_back(rights);
}

/* The package's own file, which nobody may be using yet. */
static void mark_host(struct watch *w, const struct wanted_patch *p)
{
	const char *root = w->s->root[0] ? w->s->root : "/";
	_cleanup_(sut_closep) int fd = open_in(root, p->file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	_Alignas(8) uint8_t head[CATCH_HEAD], build_id[SUT_LIBRARY_BUILD_ID_LEN];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	struct stat st;

	if (fd < 0)
		not_watched(w, p->file, -fd);
	if (n > 0 && glance_build_id(head, (size_t)n, build_id) == 1 &&
	    !memcmp(build_id, p->build_id, sizeof(build_id)) && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode))
		mark(w, fd, p->file);
}

/* Whatever comes into that folder under this name may be another version. */
static void mark_folder(struct watch *w, const struct wanted_patch *p)
{
	const char *root = w->s->root[0] ? w->s->root : "/", *base = strrchr(p->file, '/');
	_cleanup_(sut_freep) char *dir = base ? strndup(p->file, (size_t)(base - p->file)) : NULL;
	_cleanup_(sut_closep) int fd = dir ? open_in(root, dir[0] ? dir : "/", O_PATH, 0) : -1;
	char link[64];

	if (fd < 0 || w->dirs < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	(void)!inotify_add_watch(w->dirs, link,
				 IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_ONLYDIR);
}

void watch_pause(struct watch *w)
{
	uint64_t rights = rights_raise();

	if (w->fan >= 0)
		(void)!fanotify_mark(w->fan, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
	rights_back(rights);
	pthread_mutex_lock(&w->lock);
	w->on = false;
	w->nmarks = w->nwatched = 0;
	pthread_mutex_unlock(&w->lock);
}

void watch_set(struct watch *w, const struct wanted *wanted)
{
	uint64_t rights;

	if (!wanted->n)
		watch_pause(w);
	if (w->fan < 0)
		return;
	pthread_mutex_lock(&w->lock);
	w->failed[0] = '\0';
	if (!wanted->n) {
		pthread_mutex_unlock(&w->lock);
		return;
	}
	w->round++;
	if (!w->threads && spawn(w) == 0) {
		w->threads++;
		w->idle++;
	}
	w->on = w->threads;
	if (!w->on)
		snprintf(w->failed, sizeof(w->failed),
			 "new processes cannot be caught: no thread can be started");
	pthread_mutex_unlock(&w->lock);
	if (!w->threads)
		return;
	rights = rights_raise();
	for (size_t i = 0; i < wanted->n; i++) {
		mark_folder(w, &wanted->v[i]);
		mark_host(w, &wanted->v[i]);
	}
	rights_back(rights);
}

uint64_t watch_count(const struct watch *w)
{
	struct watch *u = (struct watch *)w;
	uint64_t n;

	pthread_mutex_lock(&u->lock);
	n = w->count;
	pthread_mutex_unlock(&u->lock);
	return n;
}

void watch_state(struct watch *w, struct watch_state *ret)
{
	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&w->lock);
	ret->state = w->failed[0] ? "failed" : w->on ? "on" : "off";
	if (w->failed[0])
		snprintf(ret->text, sizeof(ret->text), "%s", w->failed);
	else if (w->on)
		snprintf(ret->text, sizeof(ret->text), "%zu files in use are watched", w->nwatched);
	pthread_mutex_unlock(&w->lock);
}

int watch_fd(const struct watch *w)
{
	return w->dirs;
}

bool watch_moved(struct watch *w, const struct wanted *wanted)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool any = false;
	ssize_t n;

	while ((n = read(w->dirs, buf, sizeof(buf))) > 0) {
		const struct inotify_event *e;

		for (ssize_t at = 0; at + (ssize_t)sizeof(*e) <= n;
		     at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(const void *)(buf + at);
			/* More happened than was noted. */
			any = any || e->mask & IN_Q_OVERFLOW;
			for (size_t i = 0; e->len && i < wanted->n; i++) {
				const char *base = strrchr(wanted->v[i].file, '/');

				any = any || (base && sut_streq(base + 1, e->name));
			}
		}
	}
	return any;
}

bool watch_stuck(struct watch *w)
{
	int waiting = 0;
	bool stuck = false;

	if (w->fan < 0)
		return false;
	if (ioctl(w->fan, FIONREAD, &waiting) < 0)
		waiting = 0;
	pthread_mutex_lock(&w->lock);
	w->stuck = waiting && w->reads == w->seen ? w->stuck + 1 : 0;
	w->seen = w->reads;
	stuck = w->stuck >= STUCK_LOOKS;
	pthread_mutex_unlock(&w->lock);
	return stuck;
}

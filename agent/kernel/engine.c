// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "report.h"

enum { MODULE_MAX = 64 << 20, SHORT_WAITS = 40, SHORT_WAIT_MS = 50 };

static void wait_ms(unsigned int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* ------------------------------------------------------------------ */

static int load_error(const char *what, int code, struct sut_err *err)
{
	switch (code) {
	case EPERM:
		return sut_err_set(
			err, code,
			"the kernel does not let us load %s. Check for sysctl "
			"kernel.modules_disabled, for lockdown (then modules must be signed), "
			"and for CAP_SYS_MODULE",
			what);
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		return sut_err_set(err, code,
				   "the kernel only loads signed modules, and %s is not "
				   "signed by a key it trusts. Enrol the key, or get a "
				   "signed one",
				   what);
	case ENOEXEC:
		return sut_err_set(err, code,
				   "%s is not a module for this kernel. Get the one that is; the "
				   "kernel log says what differs",
				   what);
	case ENOENT:
		return sut_err_set(err, code,
				   "%s needs a symbol that this kernel or its suture.ko "
				   "does not have. The kernel log names it",
				   what);
	case EINVAL:
		return sut_err_set(err, code, "%s was refused. The kernel log says why", what);
	case EEXIST:
		return sut_err_set(err, code,
				   "a module of the name of %s is loaded already. "
				   "Unload it with rmmod",
				   what);
	default:
		errno = code;
		return sut_err_errno(err, "cannot load %s", what);
	}
}

static int fill_memfd(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int sut_module_load(const char *what, const void *data, size_t len, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = memfd_create("suture", MFD_CLOEXEC);
	long r;

	if (fd < 0 || fill_memfd(fd, data, len) < 0)
		return sut_err_errno(err, "cannot hold %s in memory", what);
	do
		r = syscall(SYS_finit_module, fd, "", 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? load_error(what, errno, err) : 0;
}

static int unload(const char *name, int waits, struct sut_err *err)
{
	for (int i = 0;; i++) {
		if (syscall(SYS_delete_module, name, O_NONBLOCK) == 0)
			return 0;
		/* Somebody reading /proc/kallsyms or /sys/module holds a reference for a moment. */
		if ((errno != EBUSY && errno != EAGAIN && errno != EINTR) || i >= waits)
			break;
		wait_ms(SHORT_WAIT_MS);
	}
	if (errno == EAGAIN || errno == EBUSY)
		return sut_err_set(err, EBUSY, "the module %s stays in use", name);
	return sut_err_errno(err, "cannot unload the module %s", name);
}

int sut_module_unload(const char *name, struct sut_err *err)
{
	return unload(name, SHORT_WAITS, err);
}

size_t sut_engine_unload_idle(const char *except)
{
	_cleanup_(sut_closedirp) DIR *d = opendir("/sys/module/suture/holders");
	const struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		if (sut_startswith(e->d_name, "suture_") && !sut_streq(e->d_name, except))
			n += unload(e->d_name, 0, NULL) == 0;
	return n;
}

/* ------------------------------------------------------------------ */

static bool module_is_loaded(const char *name)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("/sys/module/%s/initstate", name);

	return path && sut_exists(path);
}

static int no_engine(struct sut_err *err)
{
	return sut_err_reason(err, ENOENT, "no-engine",
			      "the engine suture.ko is not loaded and not installed for this "
			      "kernel. Install suture-dkms, or name the file with --engine");
}

static int check_abi(const struct sut_engine *e, struct sut_err *err)
{
	struct suture_status st;
	int r = sut_engine_status(e, &st, err);

	if (r < 0)
		return r;
	if (st.abi != SUTURE_ABI)
		return sut_err_reason(err, EPROTONOSUPPORT, "abi",
				      "the loaded suture.ko has ABI %u and this program ABI %d. "
				      "Install the suture.ko of version %s; it can be loaded once "
				      "no patch is applied",
				      st.abi, SUTURE_ABI, SUTURE_VERSION);
	return 0;
}

int sut_engine_open(struct sut_engine *e, struct sut_err *err)
{
	int r;

	e->fd = open(SUT_DEVICE, O_RDWR | O_CLOEXEC);
	/* The device appears a moment after the module, when udev makes it. */
	for (int i = 0; e->fd < 0 && errno == ENOENT && module_is_loaded("suture"); i++) {
		if (i >= SHORT_WAITS)
			return sut_err_set(err, ENODEV,
					   "suture.ko is loaded and %s is not there. "
					   "Mount devtmpfs on /dev",
					   SUT_DEVICE);
		wait_ms(SHORT_WAIT_MS);
		e->fd = open(SUT_DEVICE, O_RDWR | O_CLOEXEC);
	}
	if (e->fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return no_engine(err);
	if (e->fd < 0)
		return sut_err_errno(err, "cannot open %s", SUT_DEVICE);
	r = check_abi(e, err);
	if (r < 0) {
		close(e->fd);
		e->fd = -1;
	}
	return r;
}

static int load_from(const char *path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MODULE_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r : sut_module_load(path, b.data, b.len, err);
}

static int load_engine(const char *path, struct sut_err *err)
{
	static const char *const folders[] = {"updates/dkms", "updates", "extra"};
	struct utsname u;

	if (path)
		return load_from(path, err);
	if (uname(&u) < 0)
		return sut_err_errno(err, "uname failed");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(folders); i++) {
		_cleanup_(sut_freep) char *file =
			sut_sprintf("/lib/modules/%s/%s/suture.ko", u.release, folders[i]);

		if (!file)
			return sut_err_oom(err);
		if (sut_exists(file))
			return load_from(file, err);
	}
	return no_engine(err);
}

/* Opens it, after loading it from data (NULL: from the file or folder that path names) when need be. */
static int get(struct sut_engine *e, const char *path, const void *data, size_t len,
	       struct sut_err *err)
{
	struct sut_err absent = {0};
	int r = sut_engine_open(e, &absent);

	if (r == 0)
		return 0;
	if (r != -ENOENT) {
		if (err)
			*err = absent;
		return r;
	}
	r = data ? sut_module_load(path, data, len, err) : load_engine(path, err);
	/* Somebody may have loaded it just now. */
	if (r < 0 && r != -EEXIST)
		return r;
	e->loaded = r == 0;
	r = sut_engine_open(e, err);
	if (r < 0)
		sut_engine_put(e, true);
	return r;
}

int sut_engine_get(struct sut_engine *e, const char *path, struct sut_err *err)
{
	return get(e, path, NULL, 0, err);
}

int sut_engine_get_data(struct sut_engine *e, const char *what, const void *ko, size_t len,
			struct sut_err *err)
{
	return get(e, what, ko, len, err);
}

void sut_engine_put(struct sut_engine *e, bool unload)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	/* It stays when it cannot go (a payload is still there); that harms nothing. */
	if (e->loaded && unload && sut_module_unload("suture", NULL) == 0)
		e->loaded = false;
}

/* ------------------------------------------------------------------ */

static void make_printable(char *s, size_t size)
{
	s[size - 1] = 0;
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* comm is chosen by any user; nothing of it may reach a terminal unchanged. */
static void clean_result(struct suture_result *r)
{
	make_printable(r->func, sizeof(r->func));
	if (r->nbusy > SUTURE_BUSY_TASKS)
		r->nbusy = SUTURE_BUSY_TASKS;
	for (size_t i = 0; i < SUTURE_BUSY_TASKS; i++) {
		struct suture_busy_task *t = &r->busy[i];

		make_printable(t->comm, sizeof(t->comm));
		make_printable(t->func, sizeof(t->func));
		if (t->nframes > SUTURE_BUSY_FRAMES)
			t->nframes = SUTURE_BUSY_FRAMES;
		for (size_t j = 0; j < SUTURE_BUSY_FRAMES; j++)
			make_printable(t->frames[j], sizeof(t->frames[j]));
	}
}

/* One ioctl; result lies inside arg. */
static int ask(const struct sut_engine *e, unsigned long request, void *arg,
	       struct suture_result *result, struct suture_result *ret, struct sut_err *err)
{
	int r = ioctl(e->fd, request, arg) < 0 ? -errno : 0;

	clean_result(result);
	*ret = *result;
	if (r == 0 && result->outcome == SUTURE_OK)
		return 0;
	if (result->outcome == SUTURE_OK) {
		errno = -r;
		return sut_err_errno(err, "the engine did not answer");
	}
	return sut_report_explain(result, r < 0 ? -r : EIO, err);
}

int sut_engine_status(const struct sut_engine *e, struct suture_status *ret, struct sut_err *err)
{
	struct suture_status st = {0};

	if (ioctl(e->fd, SUTURE_IOC_STATUS, &st) < 0)
		return sut_err_errno(err,
				     "the engine does not answer. Check that suture.ko is of "
				     "version %s",
				     SUTURE_VERSION);
	make_printable(st.id, sizeof(st.id));
	make_printable(st.module, sizeof(st.module));
	*ret = st;
	return 0;
}

int sut_engine_verify(const struct sut_engine *e, const void *table, size_t len,
		      struct suture_result *ret_result, struct sut_err *err)
{
	struct suture_verify v = {.expect = (uintptr_t)table, .expect_size = (uint32_t)len};

	return ask(e, SUTURE_IOC_VERIFY, &v, &v.result, ret_result, err);
}

int sut_engine_apply(const struct sut_engine *e, const char *module, bool dry_run,
		     struct suture_result *ret_result, struct sut_err *err)
{
	struct suture_switch s = {.flags = dry_run ? SUTURE_SWITCH_DRY_RUN : 0};

	snprintf(s.module, sizeof(s.module), "%s", module);
	return ask(e, SUTURE_IOC_APPLY, &s, &s.result, ret_result, err);
}

int sut_engine_revert(const struct sut_engine *e, struct suture_result *ret_result,
		      struct sut_err *err)
{
	struct suture_switch s = {0};

	return ask(e, SUTURE_IOC_REVERT, &s, &s.result, ret_result, err);
}

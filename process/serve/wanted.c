// SPDX-License-Identifier: Apache-2.0
#include "serve/wanted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct wanted *wanted_new(void)
{
	struct wanted *w = calloc(1, sizeof(*w));

	if (w)
		w->users = 1;
	return w;
}

struct wanted *wanted_ref(struct wanted *w)
{
	atomic_fetch_add(&w->users, 1);
	return w;
}

void wanted_unref(struct wanted *w)
{
	if (!w || atomic_fetch_sub(&w->users, 1) != 1)
		return;
	for (size_t i = 0; i < w->n; i++)
		proc_patch_free(w->v[i].patch);
	exclude_release(&w->exclude);
	free(w);
}

void wanted_unrefp(struct wanted **w)
{
	wanted_unref(*w);
}

/* Nobody can change it any more: what was verified is what we read. */
static int map_sealed(int fd, void **ret, size_t *ret_len, struct sut_err *err)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	void *p;

	if ((fcntl(fd, F_GET_SEALS) & seals) != seals || fcntl(fd, F_GET_SEALS) < 0)
		return sut_err_reason(err, EPERM, "request",
				      "a patch file is not a sealed memfd. Only suture-apply may "
				      "ask for this");
	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at a patch file");
	if (st.st_size < 1 || st.st_size > SUT_PATCH_FILE_MAX)
		return sut_err_reason(err, EBADMSG, "request",
				      "a patch file has %lld bytes; 1 to %d are possible",
				      (long long)st.st_size, SUT_PATCH_FILE_MAX);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return sut_err_errno(err, "cannot read a patch file");
	*ret = p;
	*ret_len = (size_t)st.st_size;
	return 0;
}

static size_t place(const struct wanted *w, const uint8_t *build_id)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (memcmp(w->v[mid].build_id, build_id, SUT_LIBRARY_BUILD_ID_LEN) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int wanted_add(struct wanted *w, int fd, const char *sha256, struct sut_err *err)
{
	struct wanted_patch new = {0};
	void *data = NULL;
	size_t len = 0, at;
	int r;

	if (w->n == WANTED_MAX)
		return sut_err_reason(err, E2BIG, "request", "there are more than %d patches",
				      WANTED_MAX);
	r = map_sealed(fd, &data, &len, err);
	if (r < 0)
		return r;
	r = proc_patch_parse(data, len, &new.patch, err);
	munmap(data, len);
	if (r < 0)
		return r;
	sut_hex(new.patch->sha256, sizeof(new.patch->sha256), new.sha256);
	memcpy(new.build_id, new.patch->library->build_id, sizeof(new.build_id));
	sut_hex(new.build_id, sizeof(new.build_id), new.hex);
	at = place(w, new.build_id);
	if (!sha256 || !sut_streq(new.sha256, sha256))
		r = sut_err_reason(err, EBADMSG, "request",
				   "a patch file has the SHA-256 %s, and %s was announced",
				   new.sha256, sha256 ? sha256 : "none");
	else if (wanted_find(w, new.build_id))
		r = sut_err_reason(err, EEXIST, "request",
				   "there are two patches for build-id %s: %s and %s", new.hex,
				   wanted_find(w, new.build_id)->id, new.patch->manifest->id);
	if (r < 0) {
		proc_patch_free(new.patch);
		return r;
	}
	new.id = new.patch->manifest->id;
	new.level = new.patch->manifest->level;
	new.name = new.patch->manifest->target.soname;
	new.file = new.patch->manifest->target.file;
	memmove(&w->v[at + 1], &w->v[at], (w->n - at) * sizeof(new));
	w->v[at] = new;
	w->n++;
	return 0;
}

const struct wanted_patch *wanted_find(const struct wanted *w,
				       const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN])
{
	size_t at = place(w, build_id);

	return at < w->n && !memcmp(w->v[at].build_id, build_id, SUT_LIBRARY_BUILD_ID_LEN)
		       ? &w->v[at]
		       : NULL;
}

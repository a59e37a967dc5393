// SPDX-License-Identifier: Apache-2.0
#include "fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/str.h"

struct header {
	char magic[8];
	uint64_t n, seed;
	uint8_t spare[232];
};

static const char MAGIC[8] = {'s', 'u', 't', 's', 'i', 'm', '1', '\n'};

_Static_assert(sizeof(struct fleet_one) == 256 && sizeof(struct header) == 256, "layout");

uint64_t fleet_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A number that belongs to (i, what), the same each time. */
static uint64_t trait(const struct fleet *f, size_t i, uint64_t what)
{
	uint64_t state = f->seed ^ (i + 1) * 0xd6e8feb86659fd93 ^ what * 0xa0761d6478bd642f;

	return fleet_random(&state);
}

static int map(int fd, struct fleet *f, struct sut_err *err)
{
	struct header *h;

	h = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return sut_err_errno(err, "cannot map the state file");
	f->v = (struct fleet_one *)(h + 1);
	f->fd = fd;
	return 0;
}

int fleet_open(const char *path, size_t n, uint64_t seed, struct fleet *ret, struct sut_err *err)
{
	struct header h = {.n = n, .seed = seed};
	struct fleet f = {.fd = -1};
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (!st.st_size) {
		memcpy(h.magic, MAGIC, sizeof(MAGIC));
		if (!n || pwrite(fd, &h, sizeof(h), 0) != sizeof(h) ||
		    ftruncate(fd, (off_t)(sizeof(h) + n * sizeof(struct fleet_one))) < 0) {
			close(fd);
			return sut_err_set(err, EINVAL,
					   "cannot make %s; give --systems, and room for it", path);
		}
	} else if (pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
		   memcmp(h.magic, MAGIC, sizeof(MAGIC)) != 0 ||
		   (uint64_t)st.st_size != sizeof(h) + h.n * sizeof(struct fleet_one) ||
		   (n && n != h.n)) {
		close(fd);
		return sut_err_set(err, EEXIST,
				   "%s is no state file, or one of another number of systems",
				   path);
	}
	f.n = h.n;
	f.seed = h.seed;
	f.bytes = sizeof(h) + f.n * sizeof(struct fleet_one);
	r = map(fd, &f, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = f;
	return 0;
}

void fleet_close(struct fleet *f)
{
	if (f->v)
		munmap((struct header *)f->v - 1, f->bytes);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct fleet){.fd = -1};
}

/* --- what they are like --- */

static const struct kind {
	const char *distribution, *release;
} kinds[FLEET_KERNELS] = {
	{"Debian GNU/Linux 12", "6.1.0-28-amd64"},
	{"Debian GNU/Linux 12", "6.1.0-29-amd64"},
	{"Debian GNU/Linux 12", "6.1.0-30-amd64"},
	{"Debian GNU/Linux 12", "6.1.0-31-cloud-amd64"},
	{"Debian GNU/Linux 12", "6.1.0-32-amd64"},
	{"Debian GNU/Linux 12", "6.1.0-33-cloud-amd64"},
	{"Debian GNU/Linux 11", "5.10.0-32-amd64"},
	{"Debian GNU/Linux 11", "5.10.0-33-amd64"},
	{"Debian GNU/Linux 13", "6.12.12-amd64"},
	{"Debian GNU/Linux 13", "6.12.17-amd64"},
	{"Ubuntu 22.04.5 LTS", "5.15.0-125-generic"},
	{"Ubuntu 22.04.5 LTS", "5.15.0-126-generic"},
	{"Ubuntu 22.04.5 LTS", "6.8.0-49-generic"},
	{"Ubuntu 24.04.1 LTS", "6.8.0-50-generic"},
	{"Ubuntu 24.04.1 LTS", "6.8.0-51-generic"},
	{"Ubuntu 24.04.1 LTS", "6.11.0-13-generic"},
	{"Ubuntu 20.04.6 LTS", "5.4.0-202-generic"},
	{"AlmaLinux 9.5", "5.14.0-503.14.1.el9_5.x86_64"},
	{"AlmaLinux 9.5", "5.14.0-503.15.1.el9_5.x86_64"},
	{"AlmaLinux 8.10", "4.18.0-553.30.1.el8_10.x86_64"},
	{"AlmaLinux 8.10", "4.18.0-553.32.1.el8_10.x86_64"},
	{"Rocky Linux 9.5", "5.14.0-503.16.1.el9_5.x86_64"},
	{"Rocky Linux 8.10", "4.18.0-553.33.1.el8_10.x86_64"},
	{"Red Hat Enterprise Linux 9.4", "5.14.0-427.42.1.el9_4.x86_64"},
	{"Red Hat Enterprise Linux 8.10", "4.18.0-553.27.1.el8_10.x86_64"},
	{"Oracle Linux 9.5", "5.15.0-302.167.6.el9uek.x86_64"},
	{"CloudLinux 8.10", "4.18.0-553.16.1.lve.el8.x86_64"},
	{"SLES 15 SP6", "6.4.0-150600.23.25-default"},
	{"openSUSE Leap 15.6", "6.4.0-150600.23.30-default"},
	{"Amazon Linux 2023", "6.1.115-126.197.amzn2023.x86_64"},
};

static unsigned int kind_of(const struct fleet *f, size_t i)
{
	/* A few kernels are on most machines. */
	uint64_t a = trait(f, i, 1) % FLEET_KERNELS, b = trait(f, i, 2) % FLEET_KERNELS;

	return (unsigned int)(a < b ? a : b);
}

static void hex_trait(const struct fleet *f, size_t i, uint64_t what, char *out, size_t digits)
{
	for (size_t done = 0; done < digits; done += 16) {
		char piece[17];
		size_t n = digits - done < 16 ? digits - done : 16;

		snprintf(piece, sizeof(piece), "%016llx",
			 (unsigned long long)trait(f, i, what + done * 1000));
		memcpy(out + done, piece, n);
	}
	out[digits] = 0;
}

static void uuid_trait(const struct fleet *f, size_t i, uint64_t what, char out[37])
{
	char h[33];

	hex_trait(f, i, what, h, 32);
	snprintf(out, 37, "%.8s-%.4s-4%.3s-a%.3s-%.12s", h, h + 8, h + 13, h + 17, h + 20);
}

const char *fleet_state(uint32_t rev)
{
	static const char *const states[] = {"current", "pending", "current",
					     "held",	"current", "reboot-needed"};

	return states[rev % SUT_ARRAY_SIZE(states)];
}

unsigned int fleet_level(uint32_t rev)
{
	return rev % FLEET_CHANGE_LEVELS;
}

void fleet_boot_id(const struct fleet *f, size_t i, uint32_t rev, char out[37])
{
	uuid_trait(f, i, 100 + rev / 16, out); /* now and then it is a reboot */
}

void fleet_hostname(size_t i, char out[24])
{
	snprintf(out, 24, "sim-%07zu", i);
}

static int add_kernel(const struct fleet *f, size_t i, struct sut_buf *out)
{
	unsigned int k = kind_of(f, i);
	char build_id[41], kernel_id[41];

	/* The same for all machines with this kernel. */
	hex_trait(f, SIZE_MAX - 1 - k, 3, build_id, 40);
	hex_trait(f, SIZE_MAX - 1 - k, 4, kernel_id, 40);
	return sut_buf_addf(out,
			    "\"release\":\"%s\",\"build_id\":\"%s\",\"kernel_id\":\"%s\","
			    "\"arch\":\"x86_64\"",
			    kinds[k].release, build_id, kernel_id);
}

static int add_identity(const struct fleet *f, size_t i, struct sut_buf *out)
{
	char machine_id[33], uuid[37], host[24];

	hex_trait(f, i, 5, machine_id, 32);
	uuid_trait(f, i, 6, uuid);
	fleet_hostname(i, host);
	return sut_buf_addf(out,
			    "\"machine_id\":\"%s\",\"product_uuid\":\"%s\",\"hostname\":\"%s\","
			    "\"agent\":\"0.1.0\",",
			    machine_id, uuid, host);
}

int fleet_enrolment(const struct fleet *f, size_t i, const char *key, struct sut_buf *out)
{
	unsigned int k = kind_of(f, i);
	int r = sut_buf_addf(out, "{\"key\":\"%s\",\"system\":{", key);

	if (r == 0)
		r = add_identity(f, i, out);
	if (r == 0)
		r = add_kernel(f, i, out);
	if (r == 0)
		r = sut_buf_addf(out,
				 ",\"fqdn\":\"sim-%07zu.example.net\",\"addresses\":[\"10.%zu.%zu."
				 "%zu\"],\"distribution\":\"%s\",\"virtualization\":\"%s\","
				 "\"facts\":{\"rack\":\"r%zu\",\"cpus\":%u}}}",
				 i, i >> 16 & 255, i >> 8 & 255, i & 255, kinds[k].distribution,
				 trait(f, i, 7) % 3 ? "kvm" : "none", i % 40,
				 1U << trait(f, i, 8) % 7);
	return r;
}

int fleet_report(const struct fleet *f, size_t i, struct sut_buf *out)
{
	const struct fleet_one *s = &f->v[i];
	unsigned int level = fleet_level(s->pending_rev);
	char boot_id[37];
	int r;

	fleet_boot_id(f, i, s->pending_rev, boot_id);
	r = sut_buf_addf(out, "{\"serial\":%lld,\"nonce\":\"%s\",", (long long)s->serial, s->nonce);
	if (r == 0)
		r = add_identity(f, i, out);
	if (r == 0)
		r = sut_buf_addf(out, "\"boot_id\":\"%s\",\"state\":\"%s\",\"level\":%u,", boot_id,
				 fleet_state(s->pending_rev), level);
	if (r == 0 && level)
		r = sut_buf_addf(out, "\"patchset\":\"K20261101_%02u\",\"last_pause_ns\":%u,",
				 level, 200000 + level * 1000);
	if (r == 0)
		r = sut_buf_addf(out, "\"uptime_s\":%u,\"kernel\":{",
				 1000 + (unsigned int)s->acked * 300);
	if (r == 0)
		r = add_kernel(f, i, out);
	return r ? r : sut_buf_addstr(out, "}}");
}

// SPDX-License-Identifier: Apache-2.0
/* What a package means on a host. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cve/changelog.h"
#include "map/verdict.h"

/* Names of packages that a distribution makes from its kernel, or that stand for it. */
bool verdict_is_kernel(const char *package)
{
	static const char *const whole[] = {
		"linux",	  "kernel",	    "kernel-core",    "kernel-modules",
		"kernel-default", "kernel-uek",	    "linux-libc-dev", "linux-kbuild",
		"linux-source",	  "linux-perf",	    "linux-cpupower", "linux-signed",
		"bpftool",	  "kernel-rt",	    "perf",	      "kernel-smp",
		"rtla",		  "hyperv-daemons",
	};
	static const char *const begins[] = {
		"linux-image-",	    "linux-headers-",	  "linux-modules-", "linux-kbuild-",
		"linux-source-",    "linux-signed-",	  "linux-config-",  "linux-support-",
		"linux-compiler-",  "linux-tools-",	  "linux-perf-",    "linux-libc-dev-",
		"linux-aws",	    "linux-azure",	  "linux-gcp",	    "linux-kvm",
		"linux-hwe",	    "linux-oracle",	  "linux-generic",  "linux-lowlatency",
		"linux-buildinfo-", "linux-cloud-tools-", "linux-bpf-dev",  "kernel-core-",
		"kernel-modules-",  "kernel-headers",	  "kernel-devel",   "kernel-tools",
		"kernel-debug",	    "kernel-default-",	  "kernel-uek-",    "kernel-rt-",
		"kernel-",
	};
	static const char *const other[] = {"kernel-wedge", "kernel-package", "linux-base",
					    "linux-firmware", "kernel-handbook"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(other); i++)
		if (sut_startswith(package, other[i]))
			return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(whole); i++)
		if (sut_streq(package, whole[i]))
			return true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(begins); i++)
		if (sut_startswith(package, begins[i]))
			return true;
	return false;
}

static size_t skip(const char *s, const char *prefix)
{
	return sut_startswith(s, prefix) ? strlen(prefix) : 0;
}

/* The release in the name of the package of a kernel image or its modules; "" when it has none. */
static void release_of(const char *package, char *buf, size_t size)
{
	static const char *const begins[] = {"linux-image-unsigned-", "linux-image-",
					     "linux-modules-extra-", "linux-modules-"};
	static const char *const ends[] = {"-unsigned", "-dbg", "-signed"};
	size_t at = 0, n;

	for (size_t i = 0; !at && i < SUT_ARRAY_SIZE(begins); i++)
		at = skip(package, begins[i]);
	n = strlen(package) - at;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(ends); i++) {
		size_t e = strlen(ends[i]);

		if (at && n > e && !memcmp(package + at + n - e, ends[i], e))
			n -= e;
	}
	/* "linux-image-amd64" only stands for the newest. */
	if (!at || !isdigit((unsigned char)package[at]) || n >= size)
		n = 0;
	memcpy(buf, package + at, n);
	buf[n] = '\0';
}

/* "0:5.14.0-427.el9" of an rpm, "5.14.0-427.el9.x86_64" of uname: the package of what runs? */
static bool rpm_runs(const char *version, const char *release)
{
	const char *colon = strchr(version, ':');
	const char *v = colon ? colon + 1 : version;
	size_t n = strlen(v);

	return !strncmp(release, v, n) && (release[n] == '.' || release[n] == '+' || !release[n]);
}

static bool is_rpm_image(const char *package)
{
	return sut_streq(package, "kernel") || sut_streq(package, "kernel-core") ||
	       sut_streq(package, "kernel-modules") || sut_streq(package, "kernel-uek") ||
	       sut_streq(package, "kernel-default");
}

/* Is it surely of a kernel that is installed and does not run? */
static bool of_another_kernel(const struct verdict_host *h, const char *package,
			      const char *version)
{
	const char *running = h->release;
	char release[256];

	if (!running || !*running)
		return false;
	release_of(package, release, sizeof(release));
	if (release[0])
		return strcmp(release, running) != 0;
	return is_rpm_image(package) && version && isdigit((unsigned char)*version) &&
	       !rpm_runs(version, running);
}

static void fixed(struct verdict_subject *s, enum verdict verdict, enum verdict_why why)
{
	s->about = ABOUT_FIXED;
	s->verdict = verdict;
	s->why = why;
}

static void about_kernel(const struct map_index *x, const struct verdict_host *h,
			 const char *package, const char *version, bool not_running,
			 struct verdict_subject *s)
{
	if (!h->registered) {
		/* What runs there is not known; what would, if this package does, may be. */
		fixed(s, VERDICT_UNKNOWN_TARGET, WHY_UNREGISTERED);
		s->target = index_by_package(x, package, version);
		return;
	}
	if (not_running || of_another_kernel(h, package, version)) {
		fixed(s, VERDICT_NOT_AFFECTED, WHY_NOT_RUNNING);
		return;
	}
	s->about = ABOUT_KERNEL;
	s->target = h->kernel;
}

static bool uses(const struct map_index *x, const struct verdict_library *l, const char *package)
{
	if (l->target &&
	    (sut_streq(l->target->package, package) || sut_streq(l->target->source, package)))
		return true;
	/* Another build of the same library: the package is what has its name. */
	return l->name && *l->name && index_library_of(x, package, l->name);
}

static void about_library(const struct map_index *x, const struct verdict_host *h,
			  const char *package, const char *version, struct verdict_subject *s)
{
	s->about = ABOUT_LIBRARY;
	for (size_t i = 0; i < h->nlibraries && s->nuses < VERDICT_USES_MAX; i++)
		if (uses(x, &h->libraries[i], package))
			s->uses[s->nuses++] = (uint16_t)i;
	if (s->nuses)
		return;
	if (!h->registered) {
		fixed(s, VERDICT_UNKNOWN_TARGET, WHY_UNREGISTERED);
		s->target = index_by_package(x, package, version);
		return;
	}
	s->about = ABOUT_UNUSED;
	s->target = index_by_package(x, package, version);
	if (!s->target)
		fixed(s, VERDICT_UNKNOWN_TARGET, WHY_NO_LIBRARY);
}

void verdict_subject(const struct map_index *x, const struct verdict_host *h, const char *package,
		     const char *version, bool not_running, struct verdict_subject *ret)
{
	struct verdict_subject s = {.version = version && *version ? version : NULL};

	if (!package || !*package) {
		s.about = ABOUT_ANYTHING;
		s.target = h->kernel;
		if (not_running)
			fixed(&s, VERDICT_NOT_AFFECTED, WHY_NOT_RUNNING);
		else if (!h->registered)
			fixed(&s, VERDICT_UNKNOWN_TARGET, WHY_UNREGISTERED);
	} else if (verdict_is_kernel(package)) {
		about_kernel(x, h, package, s.version, not_running, &s);
	} else if (index_is_library(x, package)) {
		about_library(x, h, package, s.version, &s);
	} else {
		fixed(&s, VERDICT_UNKNOWN_TARGET,
		      h->registered ? WHY_OTHER_PACKAGE : WHY_UNREGISTERED);
	}
	*ret = s;
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For tests of library patches: a small Debian source package, made offline, and the packages that are "shipped" of it.
#
#   tiny_source DIR [VERSION]        the source package tiny_VERSION in DIR (default 1.0-1)
#   tiny_ship DIR [VERSION] [CFLAGS] builds it and leaves libtiny1_VERSION_amd64.deb in DIR; CFLAGS are added to all compilations
#   tiny_add DIR [VERSION]           adds debian/libtiny1=VERSION as a target, built on this machine; needs $sb and $SUTURE_CACHE
#
# The package libtiny1 holds:
#   /usr/lib/libtiny.so.1      C: static functions of one name in two files, thread-local variables, an IFUNC, static locals, strings,
#                              a versioned symbol, an object that goes through an archive, one that is joined by ld -r
#   /usr/lib/libtinyxx.so.1    C++: exceptions, a template, a virtual function
#   /usr/bin/tiny              a program that uses them: `tiny N` prints what they answer
#   /usr/bin/tiny-loop         a program that asks again at each line of its input, until its end

tiny_source() {
	tiny_dir=$1
	tiny_version=${2-1.0-1}
	tiny_up=${tiny_version%-*}
	rm -rf "$tiny_dir/tiny-$tiny_up"
	mkdir -p "$tiny_dir/tiny-$tiny_up/debian/source" "$tiny_dir/tiny-$tiny_up/sub"
	(
		cd "$tiny_dir/tiny-$tiny_up" || exit 1
		cat >tiny.h <<'END'
#ifndef TINY_H
#define TINY_H
#ifdef __cplusplus
extern "C" {
#endif
int tiny_check(int n);
int tiny_sum(const char *s);
int tiny_count(void);
int tiny_level(void);
int tiny_fast(int n);
const char *tiny_text(int n);
int tiny_joined(int n);
int tiny_packed(int n);
int tiny_parse(int n);
#ifdef __cplusplus
}
#endif
#ifndef TINY_LIMIT
#define TINY_LIMIT 100
#endif
#endif
END
		cat >check.c <<'END'
#include "tiny.h"
#include <stdio.h>
#include <string.h>

static __thread int calls;
__thread int tiny_depth __attribute__((tls_model("initial-exec"))) = 3;
static int table[64] = {3, 1, 4, 1, 5, 9, 2, 6};

static __attribute__((noinline)) int helper(int n)
{
	static int seen = 7;

	seen += n;
	return seen % 13 + table[n & 7];
}

int tiny_check(int n)
{
	calls++;
	if (n > TINY_LIMIT)
		return -1;
	return helper(n) + n * 3;
}

int tiny_count(void)
{
	return calls + tiny_depth;
}
END
		cat >sub/sum.c <<'END'
#include "../tiny.h"
#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) int helper(int c)
{
	return c * 31 % 257;
}

int tiny_sum(const char *s)
{
	char *copy = strdup(s ? s : "");
	int sum = 0;

	if (!copy)
		abort();
	for (size_t i = 0; i < strlen(copy); i++)
		sum += helper(copy[i]);
	free(copy);
	return sum;
}
END
		cat >fast.c <<'END'
#include "tiny.h"

static int fast_plain(int n)
{
	return n + 1;
}

static int fast_other(int n)
{
	return n + 1;
}

static int (*choose_fast(void))(int)
{
	return __builtin_cpu_supports("sse2") ? fast_plain : fast_other;
}

int tiny_fast(int n) __attribute__((ifunc("choose_fast")));

int tiny_use_fast(int n)
{
	return tiny_fast(n) * 2;
}
END
		cat >text.c <<'END'
#include "tiny.h"
#include <assert.h>
#include <errno.h>

static const char *const words[] = {"zero", "one", "two", "three"};
int tiny_errors;

const char *tiny_text(int n)
{
	assert(n != 4711);
	switch (n) {
	case 0:
	case 1:
	case 2:
	case 3:
		return words[n];
	case 4:
		return "four, which is more than three";
	case 5:
		return "five";
	case 6:
		return "six";
	default:
		errno = EINVAL;
		tiny_errors++;
		return "many";
	}
}

int tiny_level(void)
{
	return tiny_errors;
}
END
		cat >joined.c <<'END'
#include "tiny.h"

static __attribute__((noinline)) int helper(int n)
{
	return n * n;
}

int tiny_joined(int n)
{
	return helper(n) - 1;
}
END
		cat >packed.c <<'END'
#include "tiny.h"

int tiny_packed(int n)
{
	return n ^ 0x55;
}
END
		cat >xx.cc <<'END'
#include "tiny.h"
#include <exception>

namespace {
struct guard {
	int &n;
	explicit guard(int &v) : n(v) { n++; }
	~guard() { n--; }
};
int depth;

class too_many : public std::exception {
public:
	explicit too_many(int v) : n(v) {}
	const char *what() const noexcept override { return "too many"; }
	int n;
};
}

class shape {
public:
	virtual ~shape() = default;
	virtual int area(int n) const;
};

int shape::area(int n) const
{
	return n * 2;
}

template <typename T> static T twice(T v)
{
	return v + v;
}

static __attribute__((noinline)) int parse(int n)
{
	guard g(depth);
	int *v = new int[static_cast<unsigned>(n < 0 ? 0 : n) + 1];
	int first = v[0] = n;

	delete[] v;
	if (n > TINY_LIMIT)
		throw too_many(n);
	return twice(first + 1) + shape().area(n);
}

int tiny_parse(int n)
{
	try {
		return parse(n);
	} catch (const std::exception &) {
		return -depth - 1;
	}
}
END
		cat >main.c <<'END'
#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) int answer(int n)
{
	return printf("check %d sum %d fast %d text %s joined %d packed %d parse %d\n", tiny_check(n),
		      tiny_sum("tiny"), tiny_fast(n), tiny_text(n), tiny_joined(n), tiny_packed(n),
		      tiny_parse(n));
}

int main(int argc, char **argv)
{
	return answer(argc > 1 ? atoi(argv[1]) : 1) < 0;
}
END
		cat >loop.c <<'END'
#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		int n = atoi(line);

		printf("check %d text %s parse %d\n", tiny_check(n), tiny_text(n), tiny_parse(n));
		fflush(stdout);
	}
	return 0;
}
END
		printf 'TINY_1 { global: tiny_*; local: *; };\n' >tiny.map
		cat >Makefile <<'END'
CFLAGS ?= -g -O2
all: libtiny.so.1 libtinyxx.so.1 tiny tiny-loop
%.o: %.c tiny.h
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -c -o $@ $<
xx.o: xx.cc tiny.h
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -fPIC -c -o $@ $<
parts.o: joined.o fast.o
	$(LD) -r -o $@ joined.o fast.o
libpacked.a: packed.o
	ar rcs $@ packed.o
libtiny.so.1: check.o sub/sum.o text.o parts.o libpacked.a
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$@ -Wl,--version-script=tiny.map -o $@ check.o sub/sum.o text.o \
		parts.o -Wl,--whole-archive libpacked.a -Wl,--no-whole-archive
libtinyxx.so.1: xx.o
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -shared -Wl,-soname,$@ -o $@ xx.o
tiny: main.c libtiny.so.1 libtinyxx.so.1
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIE -pie -o $@ main.c libtiny.so.1 libtinyxx.so.1
tiny-loop: loop.c libtiny.so.1 libtinyxx.so.1
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fPIE -pie -o $@ loop.c libtiny.so.1 libtinyxx.so.1
END
		cat >debian/rules <<'END'
#!/usr/bin/make -f
export CFLAGS := $(shell dpkg-buildflags --get CFLAGS)
export CXXFLAGS := $(shell dpkg-buildflags --get CXXFLAGS)
export CPPFLAGS := $(shell dpkg-buildflags --get CPPFLAGS)
export LDFLAGS := $(shell dpkg-buildflags --get LDFLAGS)
P = debian/libtiny1
clean:
	rm -rf $(P) debian/files debian/substvars *.o */*.o *.a *.so.1 tiny tiny-loop
build build-arch build-indep:
	$(MAKE) all
binary-indep:
binary binary-arch: build
	rm -rf $(P)
	install -d $(P)/DEBIAN $(P)/usr/lib $(P)/usr/bin
	install -m 644 libtiny.so.1 libtinyxx.so.1 $(P)/usr/lib
	install tiny tiny-loop $(P)/usr/bin
ifeq (,$(filter nostrip,$(DEB_BUILD_OPTIONS)))
	strip --strip-unneeded -R .comment $(P)/usr/lib/*.so.1 $(P)/usr/bin/*
endif
	dpkg-gencontrol -plibtiny1 -P$(P)
	dpkg-deb --root-owner-group -Znone --build $(P) ..
.PHONY: clean build build-arch build-indep binary binary-arch binary-indep
END
		chmod +x debian/rules
		cat >debian/control <<'END'
Source: tiny
Maintainer: Nobody <nobody@example.org>
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: libtiny1
Architecture: any
Description: small library for tests
END
		echo '3.0 (native)' >debian/source/format
		case $tiny_version in
		*-*) echo '1.0' >debian/source/format ;;
		esac
		cat >debian/changelog <<END
tiny ($tiny_version) bookworm; urgency=medium

  * For tests.

 -- Nobody <nobody@example.org>  Sat, 21 Nov 2026 00:00:00 +0000
END
	) || return 1
	(cd "$tiny_dir" && dpkg-source -Zgzip --format=1.0 -sn -b "tiny-$tiny_up" >/dev/null 2>&1 && rm -rf "tiny-$tiny_up")
}

tiny_ship() {
	tiny_dir=$1
	tiny_version=${2-1.0-1}
	tiny_tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/tiny.XXXXXX") || return 1
	dpkg-source -x "$tiny_dir/tiny_$tiny_version.dsc" "$tiny_tmp/tiny" >/dev/null 2>&1 &&
		(cd "$tiny_tmp/tiny" && DEB_CFLAGS_APPEND="${3-}" DEB_CXXFLAGS_APPEND="${3-}" DEB_BUILD_OPTIONS=parallel=2 \
			dpkg-buildpackage -us -uc --build=any >"$tiny_tmp/log" 2>&1) &&
		mv "$tiny_tmp"/libtiny1_*.deb "$tiny_dir"
	tiny_status=$?
	[ $tiny_status = 0 ] || cat "$tiny_tmp/log"
	rm -rf "$tiny_tmp"
	return $tiny_status
}

tiny_add() {
	# shellcheck disable=SC2154 # $sb is the test's
	"$sb" target add --here --from "$1" "debian/libtiny1=${2-1.0-1}"
}

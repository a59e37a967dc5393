// SPDX-License-Identifier: Apache-2.0
/*
 * Backups: a file is refused, and the database is as it was, or all of it is restored and can be backed up again. Input that begins
 * with '{' is lines, which get the end that fits them and are compressed, so that what stands in them is looked at; other input is a
 * file as it is.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "backup/backup.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "fuzz.h"

enum { INPUT_MAX = 64 << 10 };

static const struct sut_migration migrations[] = {
	{1, "base",
	 "CREATE TABLE tenants (id @ID@, name TEXT NOT NULL UNIQUE, value BIGINT, data @BLOB@);"
	 "CREATE TABLE things (tenant BIGINT NOT NULL REFERENCES tenants (id), name TEXT NOT NULL,"
	 " PRIMARY KEY (tenant, name))"},
};
static const struct backup_of of = {"suture-fuzz", migrations, 1};
static char *folder, *backup;
static struct sut_db *db;

static void end(void)
{
	sut_db_free(db);
	(void)!sut_rm_rf(folder, NULL);
	free(folder);
	free(backup);
}

static void begin(void)
{
	_cleanup_(sut_freep) char *url = NULL;

	FUZZ_ASSERT(sut_tmpdir("fuzz-backup", &folder, NULL) == 0);
	atexit(end);
	url = sut_sprintf("sqlite:%s/db", folder);
	backup = sut_sprintf("%s/backup", folder);
	FUZZ_ASSERT(url && backup && sut_db_open(url, NULL, &db, NULL) == 0);
	FUZZ_ASSERT(sut_db_migrate(db, migrations, 1, 0, 1, NULL) == 0);
}

static void put(int fd, const void *data, size_t len)
{
	FUZZ_ASSERT(write(fd, data, len) == (ssize_t)len);
}

static int rows_of(const uint8_t *data, size_t size)
{
	int n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '[' && (i == 0 || data[i - 1] == '\n');
	return n;
}

/* The lines, with the end that fits them. */
static void put_lines(int fd, const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(2 * INPUT_MAX);
	char room[4 * INPUT_MAX], sum[SUT_SHA256_HEX];
	size_t n;

	FUZZ_ASSERT(sut_buf_add(&b, data, size) == 0 && sut_buf_addstr(&b, "\n") == 0);
	sut_sha256_hex(b.data, b.len, sum);
	FUZZ_ASSERT(sut_buf_addf(&b, "{\"end\":true,\"rows\":%d,\"sha256\":\"%s\"}\n",
				 rows_of(data, size), sum) == 0);
	n = ZSTD_compress(room, sizeof(room), b.data, b.len, 1);
	FUZZ_ASSERT(!ZSTD_isError(n));
	put(fd, room, n);
}

static void restored(const struct backup_info *info)
{
	struct backup_info again;

	FUZZ_ASSERT(backup_write(&of, db, backup, 1, &again, NULL) == 0);
	FUZZ_ASSERT(again.rows == info->rows && again.tables == 2);
	FUZZ_ASSERT(sut_db_script(db, "DELETE FROM things; DELETE FROM tenants", NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct backup_info info = {0}, checked = {0};
	char path[64];
	int fd, check, r;

	if (size > INPUT_MAX)
		return 0;
	if (!db)
		begin();
	fd = memfd_create("backup", MFD_CLOEXEC);
	FUZZ_ASSERT(fd >= 0);
	if (size && data[0] == '{')
		put_lines(fd, data, size);
	else
		put(fd, data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check = backup_check(&of, path, &checked, NULL);
	r = backup_restore(&of, db, path, 1, &info, NULL);
	FUZZ_ASSERT(check == 0 || r < 0);
	if (r == 0) {
		FUZZ_ASSERT(info.rows == checked.rows);
		restored(&info);
	}
	close(fd);
	return 0;
}

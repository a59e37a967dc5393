// SPDX-License-Identifier: Apache-2.0
#include "sample_library.h"

#include <string.h>

/* lookup(): endbr64 and code; tiny(): 3 bytes, so that it needs an island. */
static const uint8_t lookup[32] = {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0x90};
static const uint8_t tiny[3] = {0x31, 0xc0, 0xc3};
static const uint8_t cold[8] = {0x0f, 0x0b}, busy[16] = {0x90}, table[4] = {1, 2, 3, 4};

/* A CIE of 12 bytes, an FDE of 8 (what is in them does not matter here), the end. */
static const uint8_t frames[28] = {12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0, 0, 0, 4};

void sample_library(struct sample_library *s)
{
	uint32_t head = sut_library_head_len(SAMPLE_LIBRARY_FUNCS);

	memset(s, 0, sizeof(*s));
	memset(s->image + head, 0xcc, 96);
	memcpy(s->image + head + 96, frames, sizeof(frames));
	memset(s->image + 4096, 0x11, 16);
	s->funcs[0] = (struct sut_library_func){
		.name = "lookup",
		.vaddr = 0x1100,
		.size = 30,
		.span = 32,
		.bytes = lookup,
		.redirect = SUT_LIBRARY_JUMP,
		.jump_off = 4,
		.new_off = head,
		.new_size = 64,
	};
	s->funcs[1] = (struct sut_library_func){
		.name = "tiny",
		.vaddr = 0x1140,
		.size = 3,
		.span = 3,
		.bytes = tiny,
		.redirect = SUT_LIBRARY_ISLAND,
		.island = 0x1150,
		.island_bytes = {0x66, 0x90, 0x66, 0x90, 0xcc},
		.new_off = head + 64,
		.new_size = 32,
	};
	s->ranges[0] = (struct sut_library_range){"lookup.cold", 0x1080, sizeof(cold), cold,
						  SUT_LIBRARY_CHILD};
	s->ranges[1] =
		(struct sut_library_range){"caller", 0x1200, sizeof(busy), busy, SUT_LIBRARY_BUSY};
	s->ranges[2] = (struct sut_library_range){"table", 0x2000, sizeof(table), table,
						  SUT_LIBRARY_CHECK};
	s->relocs[0] = (struct sut_library_reloc){head + 4, SUT_LIBRARY_PC32, SUT_LIBRARY_TARGET, 0,
						  0x1030 - 4};
	s->relocs[1] =
		(struct sut_library_reloc){head + 16, SUT_LIBRARY_PC32, SUT_LIBRARY_IMPORT, 1, -4};
	s->relocs[2] = (struct sut_library_reloc){head + 32, SUT_LIBRARY_PC32, SUT_LIBRARY_IMAGE, 0,
						  4096 - 4};
	s->relocs[3] =
		(struct sut_library_reloc){4096, SUT_LIBRARY_ABS64, SUT_LIBRARY_IMAGE, 0, head};
	s->relocs[4] =
		(struct sut_library_reloc){4104, SUT_LIBRARY_ABS64, SUT_LIBRARY_IMPORT, 0, 0};
	s->imports[0] = (struct sut_library_import){"getauxval", "GLIBC_2.16", false};
	s->imports[1] = (struct sut_library_import){"lookup", "", true};
	s->l = (struct sut_library){
		.build_id = {0x6d, 0x1c, 1, 2, 3},
		.image = s->image,
		.head_len = head,
		.exec_len = head + 96 + sizeof(frames),
		.data_off = 4096,
		.image_len = SAMPLE_LIBRARY_IMAGE,
		.mem_len = 8192,
		.eh_frame_off = head + 96,
		.eh_frame_len = sizeof(frames),
		.frames = true,
		.funcs = s->funcs,
		.nfuncs = SAMPLE_LIBRARY_FUNCS,
		.ranges = s->ranges,
		.nranges = SAMPLE_LIBRARY_RANGES,
		.relocs = s->relocs,
		.nrelocs = SAMPLE_LIBRARY_RELOCS,
		.imports = s->imports,
		.nimports = SAMPLE_LIBRARY_IMPORTS,
	};
}

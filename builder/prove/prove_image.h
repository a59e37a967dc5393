/* SPDX-License-Identifier: Apache-2.0 */
/* The proof on any image, for tests; see prove/prove.h. */
#ifndef SUTURE_BUILDER_PROVE_IMAGE_H
#define SUTURE_BUILDER_PROVE_IMAGE_H

#include "prove/image.h"
#include "prove/prove.h"

int sut_prove_image(const struct sut_image *image, struct sut_object *object, struct sut_unit **ret,
		    struct sut_err *err) _must_check_;

enum sut_difference sut_prove_image_explain(const struct sut_image *image, const struct sut_unit *u,
					    uint32_t sym, char *text, size_t len);

#endif

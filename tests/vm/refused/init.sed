# file: fs/proc/version.c
# reason: init-code
# exit: 2
# A function that has run at boot and is gone.
/^static int __init proc_version_init/,/^}/ s/"version", 0,/"version", 0400,/

# file: mm/vmscan.c
# Right behind the fentry slot is a static key: redirected through ftrace.
/^static ssize_t show_enabled/,/^}/ s/"0x%04x/"suture 0x%04x/

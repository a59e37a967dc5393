# file: include/linux/seq_file.h
# reason: header-change
# exit: 2
# A header: every file that includes it would change.
/^static inline bool seq_has_overflowed/,/^}/ s/==/>=/

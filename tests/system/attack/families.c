#include "attack/attack.h"

#include "../functions/hostile/secret.h"

#define SOON  "timeout: 500ms\n"
#define LATER "timeout: 120s\n" /* it gets to its end; a slow machine takes its time */
#define FLOOD "limits: { log: 8KiB/s }\n" LATER

static const struct attack memory[] = {
    {"null_write", "SIGSEGV"},
    {"recursion", "SIGSEGV"},
    {"double_free", "SIGABRT"},
    {"heap_bomb", "ENOMEM"},
    {"private_bomb", "ENOMEM"},
    {"protect_bomb", "ENOMEM"},
    {"remap_bomb", "ENOMEM"},
    {"break_bomb", "ENOMEM"},
    {"shared_bomb", "EPERM"},
    {"growsdown_bomb", "EPERM"},
    {"pipe_bomb", "EMFILE"},
    {"descriptor_bomb", "EMFILE"},
    {"socket_bomb", "EPERM"},
    {"memfd_bomb", "memfd_create: EPERM"},
    {"memfd_secret", "EPERM"},
    {"shmget", "EPERM"},
    {"mlock", "EPERM"},
    {"mlockall", "EPERM"},
    {0},
};

static const struct attack processor[] = {
    {"busy_loop", "timeout", .manifest = SOON},
    {"blocked_hang", "timeout", .manifest = SOON},
    {"sleep_forever", "timeout", .manifest = SOON},
    {"call_storm", "timeout", .manifest = SOON},
    {"stop_itself", "timeout", .manifest = SOON},
    {"half_frame", "timeout", .manifest = SOON},
    {"long_jump", "timeout", .manifest = SOON},
    {"cpu_limit", "SIGXCPU", .manifest = "limits: { cpu: 1s }\n" LATER},
    {"cpu_limit_ignored", "SIGKILL", .manifest = "limits: { cpu: 1s }\n" LATER},
    {0},
};

#define NO_THREADS                                                                                           \
    "refused: cannot seal the worker: limits: `limits.threads` above 1 cannot be enforced without user "     \
    "namespaces"

static const struct attack processes[] = {
    {"fork", "EPERM"},
    {"vfork", "EPERM"},
    {"clone_raw", "EPERM"},
    {"clone3", "ENOSYS"},
    {"clone_newuser", "EPERM"},
    {"thread_bomb", "0 and EPERM"},
    {"thread_bomb_of_four", "3 and EAGAIN", NO_THREADS, .manifest = "limits: { threads: 4 }\n",
     .uncounted = NO_THREADS},
    {"powers", "none"},
    {"powers_of_four", "none", NO_THREADS, .manifest = "limits: { threads: 4 }\n", .uncounted = NO_THREADS},
    {"execve", "EPERM"},
    {"execveat_memfd", "memfd_create: EPERM"},
    {"execveat_self", "EPERM"},
    {"ptrace_traceme", "SIGSYS"},
    {"ptrace_sibling", "SIGSYS"},
    {"read_hark", "SIGSYS"},
    {"read_zygote", "SIGSYS"},
    {"write_sibling", "SIGSYS"},
    {"kcmp", "SIGSYS"},
    {"kill_sibling", "EPERM"},
    {"kill_parent", "sees no parent", "EPERM"},
    {"kill_zygote", "EPERM"},
    {"kill_hark", "EPERM"},
    {"kill_all", "EPERM"},
    {"kill_neighbours", "EPERM"},
    {"kill_group", "EPERM"},
    {"tgkill_sibling", "EPERM"},
    {"tkill_sibling", "EPERM"},
    {"queue_sibling", "EPERM"},
    {"pidfd_sibling", "pidfd_open: EPERM"},
    {"pidfd_getfd", "pidfd_open: EPERM"},
    {"sigio_sibling", "F_SETOWN: EPERM"},
    {"leave_session", "EPERM"},
    {"prlimit_hark", "EPERM"},
    {"migrate_pages", "EPERM"},
    {0},
};

static const struct attack files[] = {
    {"read_passwd", "ENOENT", "EACCES"},
    {"read_shadow", "ENOENT", "EACCES"},
    {"read_environ", "ENOENT", "EACCES"},
    {"read_own_environ", "ENOENT", "EACCES"},
    {"read_own_maps", "ENOENT", "EACCES"},
    {"read_hark_mem", "ENOENT", "EACCES"},
    {"read_manifest", "ENOENT", "EACCES"},
    {"read_sibling_log", "ENOENT", "EACCES"},
    {"reopen_log", "ENOENT", "did it", .by_root = "EACCES"}, /* its own lines, if the pipe is of its user */
    {"climb", "ENOENT", "EACCES"},
    {"list_root", "EACCES"},
    {"list_cwd", "open: EACCES"},
    {"change_folder", "did it"},       /* where nothing can be opened it may stand anywhere */
    {"stat_file", "ENOENT", "did it"}, /* landlock hides what is in files, not that they are */
    {"write_own_mem", "EPERM"},
    {"write_manifest", "EPERM"},
    {"remove_manifest", "EPERM"},
    {"rename_manifest", "EPERM"},
    {"write_so", "EPERM"},
    {"truncate_so", "EPERM"},
    {"create_tmp", "EPERM"},
    {"tmpfile", "EPERM"},
    {"make_folder", "EPERM"},
    {"make_fifo", "EPERM"},
    {"make_link", "EPERM"},
    {"openat2", "EPERM"},
    {"path_descriptor", "EPERM"},
    {"access_file", "EPERM"},
    {"read_link", "EPERM"},
    {"watch_files", "EPERM"},
    {"load_library", "cannot"},
    {"open_by_handle", "SIGSYS"},
    {"resize_descriptors", "none"},
    {"inherited", "0 device, 1 pipe, 2 pipe, 3 socket"},
    {0},
};

static const struct attack network[] = {
    {"inet", "EPERM"},
    {"inet_udp", "EPERM"},
    {"inet6", "EPERM"},
    {"inet_raw", "EPERM"},
    {"netlink", "EPERM"},
    {"packet", "EPERM"},
    {"vsock", "EPERM"},
    {"alg", "EPERM"},
    {"unix_path", "socket: EPERM"},
    {"unix_abstract", "socket: EPERM"},
    {"bind_channel", "EPERM"},
    {"send_descriptor", "EPERM"},
    {"socket_ioctl", "EPERM"},
    {0},
};

static const struct attack kernel[] = {
    {"unshare_user", "SIGSYS"},
    {"unshare_mount", "SIGSYS"},
    {"setns", "SIGSYS"},
    {"mount", "SIGSYS"},
    {"umount", "SIGSYS"},
    {"fsopen", "SIGSYS"},
    {"pivot_root", "SIGSYS"},
    {"chroot", "SIGSYS"},
    {"bpf", "SIGSYS"},
    {"io_uring", "SIGSYS"},
    {"keyctl", "SIGSYS"},
    {"add_key", "SIGSYS"},
    {"request_key", "SIGSYS"},
    {"userfaultfd", "SIGSYS"},
    {"perf_event_open", "SIGSYS"},
    {"personality", "SIGSYS"},
    {"init_module", "SIGSYS"},
    {"finit_module", "SIGSYS"},
    {"delete_module", "SIGSYS"},
    {"kexec_load", "SIGSYS"},
    {"reboot", "SIGSYS"},
    {"swapon", "SIGSYS"},
    {"acct", "SIGSYS"},
    {"quotactl", "SIGSYS"},
    {"settime", "SIGSYS"},
    {"sethostname", "SIGSYS"},
    {"syslog", "EPERM"},
    {"fanotify", "EPERM"},
    {"landlock", "EPERM"},
    {"set_mempolicy", "EPERM"},
    {"mq_open", "EPERM"},
    {"semget", "EPERM"},
    {"push_terminal", "EPERM"},
    {"vmsplice", "EPERM"},
    {"splice", "EPERM"},
    {"no_such_call", "EPERM"},
#ifdef __x86_64__
    {"int80", "SIGSYS"},
    {"x32", "SIGSYS"},
    {"modify_ldt", "SIGSYS"},
    {"iopl", "SIGSYS"},
#endif
    {0},
};

static const struct attack code[] = {
    {"rwx_mmap", "EPERM"},
    {"mprotect_exec", "EPERM"},
    {"pkey_exec", "EPERM"},
    {"memfd_exec", "memfd_create: EPERM"},
    {"fill_exec_mmap", "EPERM"},
    {"rewrite_code", "EPERM"},
    {"run_data", "SIGSEGV"},
    {"run_stack", "SIGSEGV"},
    {0},
};

static const struct attack identity[] = {
    {"setuid", "EPERM"},           {"setresuid", "EPERM"},
    {"setgid", "EPERM"},           {"setgroups", "EPERM"},
    {"setfsuid", "EPERM"},         {"capset", "EPERM"},
    {"ambient_caps", "EPERM"},     {"keep_caps", "EPERM"},
    {"raise_data_limit", "EPERM"}, {"raise_files_limit", "EPERM"},
    {"raise_core_limit", "EPERM"}, {"nice", "EPERM"},
    {"sched_fifo", "EPERM"},       {"sched_attr", "EPERM"},
    {"affinity", "EPERM"},         {"ioprio", "EPERM"},
    {"dumpable", "EPERM"},         {"outlive_parent", "EPERM"},
    {"subreaper", "EPERM"},        {"no_new_privs", "EPERM"},
    {"unset_mdwe", "EPERM"},       {"set_mm", "EPERM"},
    {"set_ptracer", "EPERM"},      {"own_seccomp", "EPERM"},
    {"seccomp_listener", "EPERM"}, {0},
};

static const struct attack lies[] = {
    {"exit0", "exit 0"},
    {"exit_hooks", "exit 0"},
    {"end_thread", "exit 0"},
    {"abort", "SIGABRT"},
#ifdef HAS_CXX
    {"throw_across", "SIGABRT"},
#endif
    {"unwind", "came back"},
    {"forced_unwind", "came back"},
    {"write_every_fd", "broken: it sent bytes that are no frame"},
    {"close_every_fd", "SIGKILL"},
    {"result_twice", "said: it answered a call that nobody made"},
    {"result_of_another", "broken: it answered a call out of turn"},
    {"result_unknown", "broken: it sent a result that is none"},
    {"ready_again", "broken: it said READY twice"},
    {"stopped", "broken: it stopped without being asked to"},
    {"failed_late", "broken: it failed to start after it had started"},
    {"order_hark", "broken: it sent a frame of the dispatcher's"},
    {"huge_frame", "broken: it sent bytes that are no frame"},
    {"unknown_frame", "broken: it sent bytes that are no frame"},
    {"publish_anywhere", "broken: it published to a topic that its manifest does not allow"},
    {"log_flood", "did it", .manifest = FLOOD, .lines = 32768},
    {"log_every_line", "did it", .manifest = FLOOD, .lines = 32768},
    {0},
};

static const struct attack secrets[] = {
    {"secret_hunt", "found nothing", .manifest = LATER},
    {"secret_hunt_with_bait", "found it",
     .manifest = "config: { bait: " SECRET " }\n" LATER}, /* what it may know */
    {"own_arguments", "nothing"},
    {0},
};

static const struct attack constructors[] = {
    {"load_climb", "ENOENT", "EACCES"},
    {"load_fork", "EPERM"},
    {"load_inet", "EPERM"},
    {"load_inherited", "0 device, 1 pipe, 2 pipe, 3 socket, 4 file"}, /* the last is its own .so */
    {"load_kill_all", "EPERM"},
    {"load_own_seccomp", "EPERM"},
    {"load_read_passwd", "ENOENT", "EACCES"},
    {"load_rwx_mmap", "EPERM"},
    {"load_setuid", "EPERM"},
    {"load_ptrace_traceme", "refused: killed by SIGSYS (Bad system call)"},
    {"load_unshare_user", "refused: killed by SIGSYS (Bad system call)"},
    {"load_null_write", "refused: killed by SIGSEGV (Segmentation fault)"},
    {"load_recursion", "refused: killed by SIGSEGV (Segmentation fault)"},
    {"load_exit0", "refused: exited with status 0 without being asked to"},
    {"load_busy_loop", "refused: did not get ready within 500 ms (timeout)", .manifest = SOON},
    {0},
};

#define TO_READ    "sandbox: { files: [ @/read ] }\n"
#define TO_WRITE   "sandbox: { files: [ @/read, { write: @/write } ] }\nlimits: { file_size: 64KiB }\n"
#define TO_CONNECT "sandbox: { network: { tcp: [ 9 ] } }\n"
#define TO_CALL    "sandbox: { network: { unix: [ @/socket ] } }\n"
#define TO_BOTH    "sandbox: { network: { tcp: [ 9 ], unix: [ @/socket ] } }\n"

/* With its place in the line above. */
#define REFUSED "refused: see the line above"

/* Into an empty root nothing can be brought without a user namespace. */
#define READER .manifest = TO_READ, .uncounted = REFUSED
#define WRITER .manifest = TO_WRITE, .uncounted = REFUSED
#define CALLER .manifest = TO_CALL, .uncounted = REFUSED

static const struct attack readers[] = {
    {"powers_of_reader", "none", READER},
    {"secret_hunt_of_reader", "found nothing", .manifest = TO_READ LATER, .uncounted = REFUSED},
    {"granted_write", "EPERM", READER},
    {"granted_truncate", "EPERM", READER},
    {"granted_truncate_open", "EPERM", READER},
    {"granted_create", "EPERM", READER},
    {"granted_rename", "EPERM", READER},
    {"granted_remove", "EPERM", READER},
    {"granted_chmod", "EPERM", READER},
    {"granted_link", "EPERM", READER},
    {"granted_symlink", "EPERM", READER},
    {"granted_exec", "EPERM", READER},
    {"granted_map_code", "EPERM", "did it", READER}, /* only its own mount can refuse that */
    {"granted_share", "EPERM", READER},
    {"granted_beside", "ENOENT", "EACCES", READER},
    {"granted_climb", "ENOENT", "EACCES", READER},
    {"granted_climb_to_proc", "ENOENT", "EACCES", READER},
    {"granted_step_out", "ENOENT", "EACCES", READER},
    {"granted_list_above", "EACCES", READER},
    {"granted_follow", "ENOENT", "EACCES", READER},
    {0},
};

static const struct attack writers[] = {
    {"powers_of_writer", "none", WRITER},
    {"written_too_large", "EFBIG", WRITER},
    {"written_stretched", "EFBIG", WRITER},
    {"written_reserved", "EPERM", WRITER},
    {"written_symlink", "EPERM", WRITER},
    {"written_link", "EPERM", WRITER},
    {"written_fifo", "EPERM", WRITER},
    {"written_device", "EPERM", WRITER},
    {"written_whiteout", "EPERM", WRITER},
    {"written_socket", "socket: EPERM", WRITER},
    {"written_setuid", "EPERM", WRITER},
    {"written_setuid_later", "EPERM", WRITER},
    {"written_owner", "EPERM", WRITER},
    {"written_attribute", "EPERM", WRITER},
    {"written_move_out", "EXDEV", "EACCES", WRITER},
    {"written_move_over", "EXDEV", "EACCES", WRITER},
    {"written_exchange", "EXDEV", "EACCES", WRITER},
    {"written_elsewhere", "EROFS", "EACCES", WRITER},
    {"written_emptied", "EROFS", "EACCES", WRITER},
    {"written_above", "EROFS", "EACCES", WRITER},
    {"written_tmp", "EROFS", "EACCES", WRITER},
    {"written_exec", "EPERM", WRITER},
    {"written_map_code", "EPERM", "did it", WRITER},
    {0},
};

static const struct attack callers[] = {
    {"powers_of_networker", "none", .manifest = TO_CONNECT},
    {"powers_of_caller", "none", REFUSED, CALLER},
    {"tcp_granted", "ECONNREFUSED", .manifest = TO_CONNECT},
    {"tcp_other_port", "EACCES", .manifest = TO_CONNECT},
    {"tcp_other_port_inet6", "EACCES", .manifest = TO_CONNECT},
    {"tcp_reconnect", "EACCES", .manifest = TO_CONNECT},
    {"tcp_bind", "EPERM", .manifest = TO_CONNECT},
    {"tcp_listen", "EPERM", .manifest = TO_CONNECT},
    {"tcp_multipath", "EPERM", .manifest = TO_CONNECT},
    {"tcp_udp", "EPERM", .manifest = TO_CONNECT},
    {"tcp_raw", "EPERM", .manifest = TO_CONNECT},
    {"tcp_netlink", "EPERM", .manifest = TO_CONNECT},
    {"tcp_fast_open", "EPERM", .manifest = TO_CONNECT},
    {"tcp_fast_open_message", "EPERM", .manifest = TO_CONNECT},
    {"tcp_fast_open_option", "EPERM", .manifest = TO_CONNECT},
    {"tcp_interfaces", "EPERM", .manifest = TO_CONNECT},
    {"tcp_abstract", "socket: EPERM", .manifest = TO_CONNECT},
    {"unix_granted", "did it", REFUSED, CALLER},
    {"unix_other", "ENOENT", REFUSED, CALLER},
    {"unix_bus", "ENOENT", REFUSED, CALLER},
    {"unix_by_name", "ECONNREFUSED", REFUSED, CALLER}, /* there is none in its network */
    {"unix_inet", "EPERM", REFUSED, CALLER},
    {"unix_datagram", "EPERM", REFUSED, CALLER},
    {"unix_bind", "EPERM", REFUSED, CALLER},
    {"unix_send_descriptor", "EPERM", REFUSED, CALLER},
    {"unix_take_descriptor", "EPERM", REFUSED, CALLER},
    {"unix_take_as_channel", "EPERM", REFUSED, CALLER},
    {"unix_take_process", "EPERM", REFUSED, CALLER},
    {"both_abstract", "EPERM", REFUSED, .manifest = TO_BOTH, .uncounted = REFUSED},
    {0},
};

const struct family families[] = {
    {"attacks on memory", memory},
    {"attacks on the processor", processor},
    {"attacks on processes", processes},
    {"attacks on files", files},
    {"attacks by the network", network},
    {"attacks on the kernel", kernel},
    {"attacks by new code", code},
    {"attacks on identity", identity},
    {"lies", lies},
    {"hunts for secrets", secrets},
    {"attacks at load", constructors},
    {"readers", readers, .has_grants = true},
    {"writers", writers, .has_grants = true},
    {"callers", callers, .has_grants = true, .has_network = true},
};

const size_t family_count = sizeof families / sizeof *families;

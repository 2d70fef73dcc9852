#!/bin/sh
# `sudo` of a job in namespaces. On a hosted machine steps run as `runner`, who may run everything as everybody without a password;
# here they are the job's root already. So ids change only where another user is asked for. The rest is what sudo 1.9 does with
# Ubuntu's settings: a new environment, commands from fixed folders only, no open files but the first three.
# Names begin with _, as what a step exports must go through unchanged.

_place=/run/headrace  # sandbox/places.py
_secure=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
_path=${PATH-}
PATH=$_secure

_die() {
  for _line; do echo "sudo: $_line" >&2; done
  exit 1
}

_usage() {
  echo 'usage: sudo -h | -K | -k | -V'
  echo 'usage: sudo -v [-ABkNnS] [-p prompt] [-u user]'
  echo 'usage: sudo -l [-ABkNnS] [-p prompt] [-U user] [-u user] [command [arg ...]]'
  echo 'usage: sudo [-ABbEHkNnPS] [-p prompt] [-u user] [VAR=value] [-i | -s] [command [arg ...]]'
}

_wrong() {
  [ $# -eq 0 ] || echo "sudo: $*" >&2
  _usage >&2
  exit 1
}

# A long option, or the beginning of one → _letters, and _value where it has one after =.
_long() {
  _value=${1#*=} _name=${1%%=*} _letters= _has_value=
  [ "$_name" = "$1" ] || _has_value=yes
  for _each in askpass:A background:b bell:B chdir:D chroot:R close-from:C command-timeout:T edit:e group:g help:h host:x list:l \
    login:i no-update:N non-interactive:n other-user:U preserve-env:E preserve-groups:P prompt:p remove-timestamp:K \
    reset-timestamp:k role:r set-home:H shell:s stdin:S type:t user:u validate:v version:V; do
    case $_each in
      "$_name:"*) _letters=${_each#*:}; break ;;
      "$_name"*) _letters=$_letters${_each#*:} ;;
    esac
  done
  case $_letters in
    '') _wrong "unrecognized option '--$_name'" ;;
    ??*) _wrong "option '--$_name' is ambiguous" ;;
    [!CDgpRrtTUuxE]) [ -z "$_has_value" ] || _wrong "option '--$_name' doesn't allow an argument" ;;
  esac
}

_be() {
  case $_mode$1 in
    run* | "$1$1") _mode=$1 ;;
    is | si) _wrong 'you may not specify both the -i and -s options' ;;
    *) _wrong 'Only one of the -e, -h, -i, -K, -l, -s, -v or -V options may be specified' ;;
  esac
}

# A line of /etc/passwd, by its name or by # and its number → _name _uid _gid _home _shell.
_user() {
  while IFS=: read -r _name _ _uid _gid _ _home _shell; do
    case $1 in "$_name" | "#$_uid") return 0 ;; esac
  done </etc/passwd
  case $1 in root | '#0') _name=root _home=/root ;; runner) _name=runner _home=/home/runner ;; *) return 1 ;; esac
  _uid=0 _gid=0 _shell=/bin/sh
}

# Whether the job has this id of users (uid) or groups (gid).
_has() {
  while read -r _first _ _count; do
    [ "$1" -ge "$_first" ] && [ "$1" -lt $((_first + _count)) ] && return 0
  done <"/proc/self/$2_map"
  return 1
}

# Where a program is → _found.
_find() {
  _found=$1
  case $1 in
    */*) [ -f "$1" ] && [ -x "$1" ] && return ;;
    ?*)
      for _each in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /snap/bin; do
        _found=$_each/$1
        [ -f "$_found" ] && [ -x "$_found" ] && return
      done ;;
  esac
  return 1
}

# For a shell, which gets a command as one text: a backslash before whatever it might take for something else.
_escape() {
  for _each; do
    printf '%s' "$_each" | LC_ALL=C sed -e 's/[^A-Za-z0-9_$-]/\\&/g' -e '$!s/$/\\/'
    printf ' '
  done
}

case $0 in */sudoedit | sudoedit) _die 'there is no sudoedit in a job of headrace' ;; esac
if [ -w "$_place" ]; then
  : >"$_place/sudo" # the mark: this job says where it needs sudo
elif [ -d "$_place" ]; then
  _die "in a job of headrace only the job's own user may run sudo"
fi

_mode=run _all= _list= _home_too= _target=root _of= _behind= _quiet= _group= _sets=0 _forget= _forbidden=
while [ $# -gt 0 ]; do
  _letters= _has_value= _value=
  case $1 in
    --) shift; break ;;
    --?*) _long "${1#--}" ;;
    -?*) _letters=${1#-} ;;
    [!/=]*=*) eval "_set_$_sets=\$1"; _sets=$((_sets + 1)) ;;
    *) break ;;
  esac
  shift
  while [ -n "$_letters" ]; do
    _letter=${_letters%"${_letters#?}"} _letters=${_letters#?}
    case $_letter in
      [CDgpRrtTUux])
        if [ -z "$_has_value" ]; then
          if [ -n "$_letters" ]; then
            _value=$_letters _letters=
          elif [ $# -gt 0 ]; then
            _value=$1
            shift
          else
            _wrong "option requires an argument -- '$_letter'"
          fi
        fi ;;
    esac
    case $_letter in
      [ABNPprSt]) ;; # about passwords that nobody asks for, or about what is not there
      b) _behind=yes ;;
      [CDRTx]) _forbidden=$_letter$_value ;;
      E) if [ -n "$_has_value" ]; then _list="$_list,$_value"; else _all=yes; fi ;;
      e | i | l | s | V | v) _be "$_letter" ;;
      g) _group=$_value ;;
      H) _home_too=yes ;;
      h)
        [ $# -gt 0 ] || { echo 'sudo - execute a command as another user'; echo; _usage; exit 0; }
        _forbidden=x ;;
      K) _be K ;;
      k) _forget=yes ;;
      n) _quiet=yes ;;
      U) _of=$_value ;;
      u) [ -n "$_value" ] || _wrong; _target=$_value ;;
      *) _wrong "invalid option -- '$_letter'" ;;
    esac
  done
done

[ "$_mode$_all" != iyes ] || _wrong 'you may not specify both the -i and -E options'
case $_mode in
  K | V | v) [ $# -eq 0 ] || _wrong ;;
  e) [ $# -gt 0 ] || _wrong; _die 'there is no sudo -e in a job of headrace' ;;
  run)
    [ $# -gt 0 ] || [ -z "$_forget" ] || exit 0
    [ $# -gt 0 ] || _wrong ;;
esac
_user "$_target" || _die "unknown user $_target" 'error initializing audit plugin sudoers_audit'
case $_mode in
  K | v) exit 0 ;;
  V) echo 'Sudo version 1.9 (as far as a job of headrace has it)'; exit 0 ;;
  l)
    if [ $# -gt 0 ]; then
      _find "$1" || _die "$1: command not found"
      shift
      echo "$_found${*:+ $*}"
    else
      [ -z "$_of" ] || _user "$_of" || _die "unknown user $_of"
      read -r _host </proc/sys/kernel/hostname
      case ${_of:-runner} in
        root | runner) printf 'User %s may run the following commands on %s:\n    (ALL) NOPASSWD: ALL\n' "${_of:-runner}" "$_host" ;;
        *) echo "User $_of is not allowed to run sudo on $_host." ;;
      esac
    fi
    exit 0 ;;
esac
case $_forbidden in
  C*) _die 'you are not permitted to use the -C option' ;;
  D*) _die "you are not permitted to use the -D option with ${1-}" ;;
  R*) _die "you are not permitted to use the -R option with ${1-}" ;;
  T*) _die 'sorry, you are not allowed set a command timeout' ;;
  x*) _die 'a remote host may only be specified when listing privileges.' ;;
esac
if [ -n "$_group" ]; then # `runner ALL=(ALL) NOPASSWD:ALL` names no groups
  [ -n "$_quiet" ] || echo 'sudo: a terminal is required to read the password; either use -S or configure an askpass helper' >&2
  _die 'a password is required'
fi

case $_mode in
  run)
    _find "$1" || _die "$1: command not found"
    shift ;;
  *)
    [ "$_mode" = i ] || _shell=${SHELL:-$_shell}
    _found=$_shell _text=$(_escape "$@")
    [ $# -eq 0 ] || set -- -c "${_text% }"
    [ "$_mode" = s ] || set -- -l "$@" ;;
esac
_said="$_found${*:+ $*}"
[ ${#_said} -le 4096 ] || _said=$(printf %.4096s "$_said")
set -- "$_found" "$@"
case $_found in *=*) set -- /bin/sh -c 'exec "$0" "$@"' "$@" ;; esac # `env` would take it for a variable

while [ "$_sets" -gt 0 ]; do
  _sets=$((_sets - 1))
  eval "set -- \"\$_set_$_sets\" \"\$@\""
done
if [ "${USER-}${SUDO_UID+s}" = roots ]; then _me=root; else _me=runner; fi
set -- SUDO_COMMAND="$_said" SUDO_USER=$_me SUDO_UID=0 SUDO_GID=0 "$@"
if [ -n "$_all" ]; then
  unset LD_LIBRARY_PATH LD_PRELOAD LD_AUDIT LD_BIND_NOW LD_DEBUG LD_DEBUG_OUTPUT LD_ORIGIN_PATH LD_PROFILE LD_SHOW_AUXV CDPATH \
    LOCALDOMAIN RES_OPTIONS HOSTALIASES NLSPATH TERMINFO TERMINFO_DIRS TERMPATH TERMCAP ENV BASH_ENV PS4 GLOBIGNORE JAVA_TOOL_OPTIONS \
    PERLIO_DEBUG PERLLIB PERL5LIB PERL5OPT PERL5DB FPATH NULLCMD READNULLCMD ZDOTDIR TMPPREFIX PYTHONHOME PYTHONPATH \
    PYTHONINSPECT PYTHONUSERBASE RUBYLIB RUBYOPT
  [ -z "$_home_too" ] || set -- HOME="$_home" "$@"
  set -- env LOGNAME="$_name" USER="$_name" PATH="$_secure" TERM="${TERM:-unknown}" HOME="${HOME-$_home}" "$@"
else
  while [ -n "$_list" ]; do
    _list=${_list#,} _each=${_list%%,*}
    _list=${_list#"$_each"}
    case $_each in
      PATH) set -- PATH="$_path" "$@" ;;
      '' | [0-9]* | *[!A-Za-z0-9_]*) ;;
      *) eval "[ -z \"\${$_each+s}\" ] || set -- \"$_each=\$$_each\" \"\$@\"" ;;
    esac
  done
  set -- TERM="${TERM:-unknown}" PATH="$_secure" MAIL="/var/mail/$_name" LOGNAME="$_name" USER="$_name" HOME="$_home" \
    SHELL="$_shell" "$@"
  for _each in COLORS COLORTERM DISPLAY KRB5CCNAME LANG LANGUAGE LC_ADDRESS LC_ALL LC_COLLATE LC_CTYPE LC_IDENTIFICATION \
    LC_MEASUREMENT LC_MESSAGES LC_MONETARY LC_NAME LC_NUMERIC LC_PAPER LC_TELEPHONE LC_TIME LINGUAS LS_COLORS TZ XAUTHORITY \
    XAUTHORIZATION XDG_CURRENT_DESKTOP; do
    eval "[ -z \"\${$_each+s}\" ] || set -- \"$_each=\$$_each\" \"\$@\""
  done
  # What the machine says of its network, as /etc/environment would: the step's own values do not go through.
  [ ! -r "$_place/surroundings" ] || . "$_place/surroundings"
  set -- env -i "$@"
fi

if [ "$_uid" -ne 0 ]; then
  if ! _has "$_uid" uid || ! _has "$_gid" gid; then
    _die "this job cannot run anything as $_name: it has one user only, as whoever runs headrace may hand out no others" \
      'on the machine: apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER'
  fi
  case $(setpriv --help 2>&1) in
    *--init-groups*) set -- setpriv --reuid="$_uid" --regid="$_gid" --init-groups "$@" ;;
    *) set -- su -s /bin/sh -c 'exec "$0" "$@"' -- "$_name" "$@" ;;
  esac
fi
[ "$_mode" != i ] || cd "$_home" 2>/dev/null || echo "sudo: unable to change directory to $_home" >&2
umask g-w,o-w
_high=0
for _each in /proc/self/fd/*; do
  case ${_each##*/} in
    [0-2]) ;;
    [3-9]) eval "exec ${_each##*/}>&-" ;;
    [1-9]*) _high=$((_high + 1)) ;; # one of them is this file
  esac
done
if [ "$_high" -gt 1 ] && command -v bash >/dev/null; then # sh cannot close them
  set -- bash -p -c 'for each in /proc/self/fd/*; do each=${each##*/}; [ "$each" -lt 3 ] || eval "exec $each>&-"; done; exec "$@"' sudo "$@"
fi
[ -z "$_behind" ] || { "$@" & exit 0; }
exec "$@"

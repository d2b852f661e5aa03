# pkg_config.sh LIBRARY_FOLDER COMPILER SOURCE PROGRAM: builds SOURCE with what plait.pc says, and runs it. Folders may
# have spaces in their names: pkg-config quotes them for a shell.
set -eu
export PKG_CONFIG_PATH="$1/pkgconfig"
folder=$1 compiler=$2 source=$3 program=$4
eval "set -- $(pkg-config --cflags --libs plait)"
"$compiler" -std=c++20 "$source" "$@" -pthread -Wl,-rpath,"$folder" -o "$program"
"$program"

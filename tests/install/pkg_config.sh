# pkg_config.sh LIBRARY_FOLDER COMPILER SOURCE PROGRAM: builds SOURCE with what plait.pc says, and runs it.
set -eu
export PKG_CONFIG_PATH="$1/pkgconfig"
"$2" -std=c++20 "$3" $(pkg-config --cflags --libs plait) -pthread -Wl,-rpath,"$1" -o "$4"
"$4"

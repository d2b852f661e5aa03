// Whether anybody still reads what is written to a pipe.
#pragma once

namespace plait::net {

/// Blocks until the other end of `fd`, a pipe or a stream socket, is closed: for ever if it is anything else.
void wait_until_unread(int fd);

}  // namespace plait::net

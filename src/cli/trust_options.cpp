#include "cli/trust_options.hpp"

namespace plait::cli {

void TrustOptions::add_to(CLI::App& command) {
  command.add_option("--ca", authority_file, "PEM file with the authorities to trust [the system's]")
      ->type_name("PATH");
  command.add_option("--cert", certificate_file, "Certificate (PEM) to show to a server that asks for one")
      ->type_name("PATH");
  command.add_option("--key", private_key_file, "Its private key (PEM)")->type_name("PATH");
  command.add_flag("--insecure", insecure, "Accept any certificate: for development certificates only");
}

Result<void, Error> TrustOptions::apply_to(ConnectOptions& options) const {
  if (certificate_file.empty() != private_key_file.empty()) {
    return err(Error{certificate_file.empty() ? "--key needs --cert FILE, the certificate that it belongs to"
                                              : "--cert needs --key FILE, the certificate's private key"});
  }
  options.verify_certificate = !insecure;
  options.certificate_authority_file = authority_file;
  options.certificate_file = certificate_file;
  options.private_key_file = private_key_file;
  return {};
}

}  // namespace plait::cli

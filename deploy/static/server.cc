// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A service with one compiled model in it, which needs no file and no library.
//
//   server PORT
//
// A client sends images of 64 float32 numbers in this machine's order of bytes, as many
// as it likes, and gets the 10 probabilities of each. At SIGTERM and SIGINT the service
// answers the images that it has as a whole, and ends with 0.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "digits.hpp"

namespace {

constexpr std::size_t kPixels = 8 * 8;
constexpr std::size_t kClasses = 10;
constexpr std::chrono::seconds kPatience{5};  // With clients that do not read.

std::atomic<int> answering{0};

bool receive_all(int client, void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = recv(client, at, bytes, 0);
    if (got <= 0) return false;  // The client has gone, perhaps in an image's middle.
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_all(int client, const void* from, std::size_t bytes) {
  const char* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t sent = send(client, at, bytes, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

void serve(int client) {
  float image[kPixels], probabilities[kClasses];
  digits::serving_default model;  // One per thread.
  while (receive_all(client, image, sizeof image)) {
    ++answering;
    const bool is_done = model.try_predict(1, image, probabilities) == 0 &&
                         send_all(client, probabilities, sizeof probabilities);
    --answering;
    if (!is_done) break;
  }
  close(client);
}

void accept_all(int listener) {
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) {  // Too many of them, say; the listener itself stays.
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    std::thread(serve, client).detach();
  }
}

int listen_at(std::uint16_t port) {
  const int listener = socket(AF_INET6, SOCK_STREAM, 0);
  const int on = 1, off = 0;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  address.sin6_port = htons(port);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  if (bind(listener, at, sizeof address) != 0 || listen(listener, SOMAXCONN) != 0) {
    std::perror("cannot listen");
    return -1;
  }
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening at port %d\n", ntohs(address.sin6_port));
  std::fflush(stdout);
  return listener;
}

}  // namespace

int main(int count, char** arguments) {
  char* end = nullptr;
  const long port = count == 2 ? std::strtol(arguments[1], &end, 10) : -1;
  if (port < 0 || port > 65535 || end == arguments[1] || *end != '\0') {
    std::fprintf(stderr, "usage: server PORT, from 0, which is any that is free\n");
    return 2;
  }
  // The first process of a container gets no signal that it does not wait for.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  const int listener = listen_at(static_cast<std::uint16_t>(port));
  if (listener < 0) return 1;
  std::thread(accept_all, listener).detach();
  int signal = 0;
  sigwait(&ending, &signal);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (answering > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  _exit(0);  // Threads still wait for their clients.
}

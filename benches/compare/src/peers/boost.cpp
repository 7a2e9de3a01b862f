// Boost.Interprocess behind functions of C, for boost.rs: its message queue, and a mutex
// in memory that the caller shares.

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <cstddef>
#include <memory>
#include <new>

namespace ip = boost::interprocess;

extern "C" {

// Null where it cannot be made. It has no name afterwards, and is in all who fork.
void *compare_queue(const char *name, size_t capacity, size_t bytes) {
    try {
        ip::message_queue::remove(name);
        auto queue = std::make_unique<ip::message_queue>(ip::create_only, name, capacity, bytes);
        ip::message_queue::remove(name);
        return queue.release();
    } catch (const ip::interprocess_exception &) {
        return nullptr;
    }
}

// True when it has been sent.
bool compare_send(void *queue, const void *message, size_t bytes) {
    try {
        static_cast<ip::message_queue *>(queue)->send(message, bytes, 0);
        return true;
    } catch (const ip::interprocess_exception &) {
        return false;
    }
}

// How many bytes have been received; zero when there was an error.
size_t compare_receive(void *queue, void *message, size_t room) {
    try {
        ip::message_queue::size_type bytes = 0;
        unsigned priority = 0;
        static_cast<ip::message_queue *>(queue)->receive(message, room, bytes, priority);
        return bytes;
    } catch (const ip::interprocess_exception &) {
        return 0;
    }
}

void compare_drop_queue(void *queue) { delete static_cast<ip::message_queue *>(queue); }

size_t compare_mutex_size() { return sizeof(ip::interprocess_mutex); }

void compare_mutex(void *place) { new (place) ip::interprocess_mutex; }

// True when it has been locked.
bool compare_lock(void *mutex) {
    try {
        static_cast<ip::interprocess_mutex *>(mutex)->lock();
        return true;
    } catch (const ip::interprocess_exception &) {
        return false;
    }
}
}

// Host side of the emulated runtime: guarded device memory, lazily executed streams, events, errors.
#include "cuda_runtime.h"
#include "engine.hpp"
#include <cstdarg>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <unordered_map>
extern "C" {
void __asan_poison_memory_region(const volatile void*, std::size_t) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void*, std::size_t) __attribute__((weak));
}
struct CUevent_st { CUstream_st* stream = nullptr; std::uint64_t recorded = 0, done = 0; };
struct CUstream_st {
  struct Op { std::function<void()> fn; CUevent_st* wait = nullptr; std::uint64_t gen = 0; };
  unsigned flags = 0;
  std::deque<Op> q;
};
namespace simt {
namespace {
constexpr std::size_t kPage = 4096, kPad = 256;
constexpr unsigned char kCanary = 0xC5;
struct Alloc { char* map; std::size_t map_len; std::size_t n; bool pinned; };
std::map<const char*, Alloc> allocs;  // by data pointer
cudaError_t sticky = cudaSuccess, last = cudaSuccess;
CUstream_st null_stream;
std::set<CUstream_st*> streams;
std::unordered_map<const void*, int> max_dyn;
int device_depth = 0;

cudaError_t err(cudaError_t e) { if (e != cudaSuccess) last = e; return e; }
void protect(int prot) {
  if (!options().protect) return;
  for (auto& [p, a] : allocs) if (!a.pinned) mprotect(a.map + kPage, a.map_len - 2 * kPage, prot);
}
struct OnDevice {
  OnDevice() { if (device_depth++ == 0) protect(PROT_READ | PROT_WRITE); }
  ~OnDevice() { if (--device_depth == 0) protect(PROT_NONE); }
};
const Alloc* find(const void* p, std::size_t n, const char** base = nullptr) {
  auto it = allocs.upper_bound(static_cast<const char*>(p));
  if (it == allocs.begin()) return nullptr;
  --it;
  const auto off = static_cast<std::size_t>(static_cast<const char*>(p) - it->first);
  if (off > it->second.n || n > it->second.n - off) return nullptr;
  if (base) *base = it->first;
  return &it->second;
}
void check_canaries(const char* what) {
  for (auto& [p, a] : allocs) {
    auto bad = [&](const char* b, const char* e) { for (; b < e; ++b) if (static_cast<unsigned char>(*b) != kCanary) return b; return static_cast<const char*>(nullptr); };
    if (__asan_unpoison_memory_region) break;  // ASan reports these itself, with a stack
    const char* f = bad(p - kPad, p);
    if (!f) f = bad(p + a.n, a.map + a.map_len - kPage);
    if (f) { report("%s wrote %td bytes from the start of a %zu-byte allocation (out of bounds)", what, f - p, a.n); sticky = cudaErrorIllegalAddress; std::memset(const_cast<char*>(f), kCanary, 1); }
  }
}
void drain(CUstream_st& s, std::size_t upto = SIZE_MAX);
void drain_event(CUevent_st& e, std::uint64_t gen) { while (e.done < gen && e.stream && !e.stream->q.empty()) drain(*e.stream, 1); }
void drain(CUstream_st& s, std::size_t n) {
  for (; n > 0 && !s.q.empty(); --n) {
    auto op = std::move(s.q.front());
    s.q.pop_front();
    if (op.wait) drain_event(*op.wait, op.gen);
    if (op.fn) op.fn();
  }
}
void drain_blocking() { for (auto* s : streams) if (!(s->flags & cudaStreamNonBlocking)) drain(*s); }
void drain_all() { drain(null_stream); for (auto* s : streams) drain(*s); }
CUstream_st& str(cudaStream_t s) { return s ? *s : null_stream; }
void push(cudaStream_t h, CUstream_st::Op op) {
  auto& s = str(h);
  if (!h) drain_blocking();
  else if (!(s.flags & cudaStreamNonBlocking)) drain(null_stream);
  s.q.push_back(std::move(op));
  if (!options().lazy_streams) drain(s);
}
cudaError_t alloc(void** out, std::size_t n, bool pinned) {
  if (!out) return err(cudaErrorInvalidValue);
  const std::size_t body = (kPad + n + kPad + kPage - 1) / kPage * kPage;
  char* m = static_cast<char*>(mmap(nullptr, body + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (m == MAP_FAILED) return err(cudaErrorMemoryAllocation);
  mprotect(m + kPage, body, PROT_READ | PROT_WRITE);
  char* p = m + kPage + kPad;
  std::memset(m + kPage, kCanary, body);
  std::memset(p, 0xff, n);  // uninitialised device memory reads as NaN / -1
  if (__asan_poison_memory_region) { __asan_poison_memory_region(m + kPage, kPad); __asan_poison_memory_region(p + n, body - kPad - n); }
  if (!pinned && options().protect && device_depth == 0) mprotect(m + kPage, body, PROT_NONE);
  allocs[p] = {m, body + 2 * kPage, n, pinned};
  *out = p;
  return cudaSuccess;
}
cudaError_t dealloc(void* p) {
  if (!p) return cudaSuccess;
  drain_all();
  OnDevice g;
  auto it = allocs.find(static_cast<char*>(p));
  if (it == allocs.end()) return err(cudaErrorInvalidDevicePointer);
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(it->second.map, it->second.map_len);
  munmap(it->second.map, it->second.map_len);
  allocs.erase(it);
  return sticky;
}
}  // namespace

Range device_range(const void* p) {
  const char* b; const Alloc* a = find(p, 0, &b);
  return a ? Range{b, b + a->n, true} : Range{};
}
bool is_device_ptr(const void* p) { return find(p, 0) != nullptr; }
void report(const char* fmt, ...) {
  char b[2048]; va_list ap; va_start(ap, fmt); std::vsnprintf(b, sizeof b, fmt, ap); va_end(ap);
  std::fprintf(stderr, "SIMT: %s\n", b);
}
cudaError_t enqueue(cudaStream_t s, std::function<void()> fn, const char*) {
  push(s, {[fn = std::move(fn)] { OnDevice g; fn(); }, nullptr, 0});
  return sticky;
}
cudaError_t set_max_dynamic_shared(const void* k, int v) { if (v > 163 * 1024) return err(cudaErrorInvalidValue); max_dyn[k] = v; return cudaSuccess; }
cudaError_t enqueue_kernel(const cudaLaunchConfig_t& c, const void* k, std::function<void()> body) {
  if (sticky != cudaSuccess) return sticky;
  const auto b = c.blockDim; const auto g = c.gridDim;
  const std::size_t threads = std::size_t(b.x) * b.y * b.z;
  const int lim = max_dyn.count(k) ? max_dyn[k] : 48 * 1024;
  if (!threads || threads > 1024 || b.z > 64 || !g.x || !g.y || !g.z || g.y > 65535 || g.z > 65535 || g.x > 0x7fffffffu) return err(cudaErrorInvalidConfiguration);
  if (c.dynamicSmemBytes > std::size_t(lim)) return err(cudaErrorInvalidValue);
  push(c.stream, {[c, body = std::move(body)] {
    OnDevice guard;
    if (sticky != cudaSuccess) return;
    if (!run_grid(c, body)) sticky = cudaErrorLaunchFailure;
    check_canaries("a kernel");
  }, nullptr, 0});
  return cudaSuccess;
}
}  // namespace simt
using namespace simt;

const char* cudaGetErrorName(cudaError_t e) { return cudaGetErrorString(e); }
const char* cudaGetErrorString(cudaError_t e) {
  switch (e) { case cudaSuccess: return "no error"; case cudaErrorInvalidValue: return "invalid argument"; case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered"; case cudaErrorLaunchFailure: return "unspecified launch failure"; default: return "emulated CUDA error"; }
}
cudaError_t cudaPeekAtLastError() { return sticky != cudaSuccess ? sticky : last; }
cudaError_t cudaGetLastError() { if (sticky != cudaSuccess) return sticky; auto e = last; last = cudaSuccess; return e; }
cudaError_t cudaGetDeviceCount(int* n) { *n = 1; return cudaSuccess; }
cudaError_t cudaSetDevice(int d) { return d == 0 ? cudaSuccess : err(cudaErrorInvalidValue); }
cudaError_t cudaGetDevice(int* d) { *d = 0; return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) { *p = {"SIMT host emulation (sm_80 limits)", std::size_t(4) << 30, 48 << 10, 163 << 10, 32, 1024, 4, 8, 0, 1 << 20}; return cudaSuccess; }
cudaError_t cudaMalloc(void** p, std::size_t n) { return alloc(p, n, false); }
cudaError_t cudaFree(void* p) { return dealloc(p); }
cudaError_t cudaMallocHost(void** p, std::size_t n) { return alloc(p, n, true); }
cudaError_t cudaFreeHost(void* p) { return dealloc(p); }
static cudaError_t check_copy(const void* d, const void* s, std::size_t n, cudaMemcpyKind k) {
  if ((k == cudaMemcpyHostToDevice || k == cudaMemcpyDeviceToDevice) && !find(d, n)) { report("memcpy: destination is not a device range of %zu bytes", n); return err(cudaErrorInvalidValue); }
  if ((k == cudaMemcpyDeviceToHost || k == cudaMemcpyDeviceToDevice) && !find(s, n)) { report("memcpy: source is not a device range of %zu bytes", n); return err(cudaErrorInvalidValue); }
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* d, const void* s, std::size_t n, cudaMemcpyKind k, cudaStream_t st) {
  if (auto e = check_copy(d, s, n, k); e != cudaSuccess) return e;
  if (k == cudaMemcpyHostToDevice && !find(s, n)) {  // pageable source is staged before the call returns
    auto stage = std::make_shared<std::string>(static_cast<const char*>(s), n);
    return enqueue(st, [d, stage] { std::memcpy(d, stage->data(), stage->size()); }, "memcpy");
  }
  enqueue(st, [d, s, n] { std::memcpy(d, s, n); }, "memcpy");
  if (k == cudaMemcpyDeviceToHost && !find(d, n)) drain(str(st));  // pageable destination: call is synchronous
  return sticky;
}
cudaError_t cudaMemcpy2DAsync(void* d, std::size_t dp, const void* s, std::size_t sp, std::size_t w, std::size_t h, cudaMemcpyKind k, cudaStream_t st) {
  if (w > dp || w > sp) return err(cudaErrorInvalidValue);
  for (std::size_t i = 0; i < h; ++i)
    if (auto e = cudaMemcpyAsync(static_cast<char*>(d) + i * dp, static_cast<const char*>(s) + i * sp, w, k, st); e != cudaSuccess) return e;
  return sticky;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) { *free = *total = std::size_t(4) << 30; return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) { *ms = 0.0F; return cudaSuccess; }
cudaError_t cudaMemcpy(void* d, const void* s, std::size_t n, cudaMemcpyKind k) {
  if (auto e = cudaMemcpyAsync(d, s, n, k, nullptr); e != cudaSuccess) return e;
  drain(null_stream);
  return sticky;
}
cudaError_t cudaMemsetAsync(void* d, int v, std::size_t n, cudaStream_t s) {
  if (!find(d, n)) return err(cudaErrorInvalidValue);
  return enqueue(s, [=] { std::memset(d, v, n); }, "memset");
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned f) { *s = new CUstream_st{f, {}}; streams.insert(*s); return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t s) { if (!streams.count(s)) return err(cudaErrorInvalidResourceHandle); drain(*s); streams.erase(s); delete s; return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t s) { if (!s) drain_blocking(); drain(str(s)); return sticky; }
cudaError_t cudaDeviceSynchronize() { drain_all(); return sticky; }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) { push(s, {nullptr, e, e->recorded}); return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { *e = new CUevent_st; return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t e) { drain_event(*e, e->recorded); delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { e->stream = &str(s); const auto g = ++e->recorded; push(s, {[e, g] { e->done = g; }, nullptr, 0}); return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t e) { drain_event(*e, e->recorded); return sticky; }

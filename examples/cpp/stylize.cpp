// Paint a photo with onnxruntime's C API, which keeps its form from version to version.
//
//     ORT=onnxruntime-linux-x64-1.22.0        # unpacked from its releases on GitHub
//     g++ -std=c++17 -O2 stylize.cpp -I$ORT/include -L$ORT/lib -lonnxruntime -Wl,-rpath,$ORT/lib -o stylize
//     ./stylize ../../models/starry_night.onnx photo.ppm painted.ppm
//
// Pictures are PPM here (P6, 8 bits), so that no library of pictures is needed:
//     ffmpeg -i photo.jpg photo.ppm

#include <onnxruntime_c_api.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

const OrtApi* ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);

void check(OrtStatus* status) {
  if (status == nullptr) return;
  const std::string message = ort->GetErrorMessage(status);
  ort->ReleaseStatus(status);
  throw std::runtime_error(message);
}

// What onnxruntime gives is released by functions of its table.
template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

template <typename T, typename Release>
Owned<T> own(T* made, Release release) {
  return Owned<T>(made, release);
}

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgb;  // (height, width, 3)
};

Picture read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int most = 0;
  Picture picture;
  file >> kind >> picture.width >> picture.height >> most;
  file.get();
  if (!file || kind != "P6" || most != 255) throw std::runtime_error(path + " is no PPM of 8 bits");
  picture.rgb.resize(3 * picture.width * picture.height);
  if (!file.read(reinterpret_cast<char*>(picture.rgb.data()), picture.rgb.size()))
    throw std::runtime_error(path + " is cut off");
  return picture;
}

void write_ppm(const std::string& path, const Picture& picture) {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << picture.width << ' ' << picture.height << "\n255\n";
  file.write(reinterpret_cast<const char*>(picture.rgb.data()), picture.rgb.size());
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void paint(OrtSession* session, Picture& picture) {
  const int64_t plane = picture.width * picture.height;
  std::vector<float> content(3 * plane);  // (1, 3, height, width), RGB, 0..1
  for (int64_t i = 0; i < plane; ++i)
    for (int c = 0; c < 3; ++c) content[c * plane + i] = picture.rgb[3 * i + c] / 255.0f;

  OrtMemoryInfo* memory = nullptr;
  check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  const auto memory_owner = own(memory, ort->ReleaseMemoryInfo);
  const std::array<int64_t, 4> shape{1, 3, picture.height, picture.width};
  OrtValue* input = nullptr;
  check(ort->CreateTensorWithDataAsOrtValue(memory, content.data(), content.size() * sizeof(float), shape.data(),
                                            shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &input));
  const auto input_owner = own(input, ort->ReleaseValue);

  const char* takes[] = {"content"};
  const char* gives[] = {"stylized"};
  OrtValue* output = nullptr;
  const OrtValue* inputs[] = {input};
  check(ort->Run(session, nullptr, takes, inputs, 1, gives, 1, &output));
  const auto output_owner = own(output, ort->ReleaseValue);
  float* stylized = nullptr;
  check(ort->GetTensorMutableData(output, reinterpret_cast<void**>(&stylized)));

  for (int64_t i = 0; i < plane; ++i)
    for (int c = 0; c < 3; ++c) {
      const float value = stylized[c * plane + i] * 255.0f + 0.5f;
      picture.rgb[3 * i + c] = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
    }
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 4) {
    std::cerr << "usage: stylize MODEL.onnx PHOTO.ppm PAINTED.ppm\n";
    return 2;
  }
  if (ort == nullptr) throw std::runtime_error("this onnxruntime is older than the header");
  Picture picture = read_ppm(arguments[2]);

  OrtEnv* environment = nullptr;
  check(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "stylize", &environment));
  const auto environment_owner = own(environment, ort->ReleaseEnv);
  OrtSessionOptions* options = nullptr;
  check(ort->CreateSessionOptions(&options));
  const auto options_owner = own(options, ort->ReleaseSessionOptions);
  OrtSession* session = nullptr;
  // On Windows the path is of wide characters.
  const std::basic_string<ORTCHAR_T> model(arguments[1], arguments[1] + std::string(arguments[1]).size());
  check(ort->CreateSession(environment, model.c_str(), options, &session));
  const auto session_owner = own(session, ort->ReleaseSession);

  paint(session, picture);
  write_ppm(arguments[3], picture);
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

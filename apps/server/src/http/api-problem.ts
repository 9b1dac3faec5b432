import { ApiResponse } from '@nestjs/swagger';

/** In OpenAPI: that a route answers so, as a problem. */
export function ApiProblem(status: number, description: string): MethodDecorator & ClassDecorator {
  return ApiResponse({ status, description, schema: { $ref: '#/components/schemas/Problem' } });
}
